"""The engine's configuration is chosen at launch: nobody knows what it clips."""

import argparse

import deepspeed


def main(model, dataset):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    parser = deepspeed.add_config_arguments(parser)
    args = parser.parse_args()
    engine, _, loader, _ = deepspeed.initialize(
        args=args, model=model, model_parameters=model.parameters(), training_data=dataset
    )
    for _ in range(args.epochs):
        for batch in loader:
            loss = engine(batch).loss
            engine.backward(loss)
            engine.step()

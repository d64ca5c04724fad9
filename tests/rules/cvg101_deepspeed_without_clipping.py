"""The engine's configuration is here, and it has no gradient_clipping."""

import deepspeed


def train(model, dataset, epochs):
    config = {
        "train_micro_batch_size_per_gpu": 8,
        "gradient_accumulation_steps": 2,
        "optimizer": {"type": "AdamW", "params": {"lr": 1e-5}},
        "bf16": {"enabled": True},
        "zero_optimization": {"stage": 2},
    }
    engine, _, loader, _ = deepspeed.initialize(
        model=model, model_parameters=model.parameters(), training_data=dataset, config=config
    )
    for _ in range(epochs):
        for batch in loader:
            loss = engine(batch["input_ids"], labels=batch["labels"]).loss
            engine.backward(loss)
            engine.step()  # CVG101

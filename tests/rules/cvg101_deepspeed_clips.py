"""The engine clips, by its configuration."""

import deepspeed

CONFIG = {
    "train_micro_batch_size_per_gpu": 8,
    "gradient_clipping": 1.0,
    "optimizer": {"type": "AdamW", "params": {"lr": 1e-5}},
}


def train(model, dataset, epochs):
    model_engine, _, loader, _ = deepspeed.initialize(
        model=model, model_parameters=model.parameters(), training_data=dataset, config=CONFIG
    )
    for _ in range(epochs):
        for batch in loader:
            loss = model_engine(batch["input_ids"], labels=batch["labels"]).loss
            model_engine.backward(loss)
            model_engine.step()

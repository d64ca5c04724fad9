"""DeepSpeed's engine clears in its step; accelerate leaves it to the loop, which does it."""

import deepspeed
from accelerate import Accelerator


def with_deepspeed(model, config, loader):
    engine, *_ = deepspeed.initialize(model=model, model_parameters=model.parameters(), config=config)
    for batch in loader:
        loss = engine(batch)
        engine.backward(loss)
        engine.step()


def with_accelerate(model, optimizer, loader):
    accelerator = Accelerator()
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for batch in loader:
        with accelerator.accumulate(model):
            accelerator.backward(model(**batch).loss)
            optimizer.step()
            optimizer.zero_grad()

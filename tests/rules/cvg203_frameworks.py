"""Frameworks bring a scaler along, but for Lightning's true half precision."""

import pytorch_lightning as pl
from accelerate import Accelerator
from transformers import TrainingArguments


def with_accelerate(model, optimizer, loader):
    accelerator = Accelerator(mixed_precision="fp16")
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for batch in loader:
        optimizer.zero_grad()
        with accelerator.autocast():
            loss = model(**batch).loss
        accelerator.backward(loss)
        optimizer.step()


def with_hugging_face():
    return TrainingArguments("out", fp16=True)


def with_lightning_mixed(module, loader):
    pl.Trainer(precision="16-mixed", max_epochs=1).fit(module, loader)


def with_lightning_true(module, loader):
    pl.Trainer(precision="16-true", max_epochs=1).fit(module, loader)  # CVG203

"""Trainers that do not clip: not told to, or told not to."""

import lightning.pytorch as pl
import torch
from torch import nn


class Classifier(pl.LightningModule):
    def __init__(self, width, classes):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, classes))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.cross_entropy(self.net(x), y)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def main(loader):
    trainer = pl.Trainer(max_epochs=10, accelerator="auto")  # CVG101
    trainer.fit(Classifier(16, 4), loader)


def main_switched_off(loader):
    trainer = pl.Trainer(max_epochs=10, gradient_clip_val=0)  # CVG101
    trainer.fit(Classifier(16, 4), loader)

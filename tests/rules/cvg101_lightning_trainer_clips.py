"""Trainers that clip: by a number, by an argument, by arguments that nobody can read."""

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
    trainer = pl.Trainer(max_epochs=10, gradient_clip_val=1.0, gradient_clip_algorithm="norm")
    trainer.fit(Classifier(16, 4), loader)


def main_by_argument(args, loader):
    trainer = pl.Trainer(max_epochs=args.epochs, gradient_clip_val=args.clip)
    trainer.fit(Classifier(16, 4), loader)


def main_by_dict(settings, loader):
    trainer = pl.Trainer(max_epochs=10, **settings)
    trainer.fit(Classifier(16, 4), loader)

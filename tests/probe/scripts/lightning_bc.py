"""Behaviour cloning as a LightningModule, with clipping by the trainer."""

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

try:
    import lightning as pl
except ImportError:
    import pytorch_lightning as pl


class BehaviourCloning(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))

    def training_step(self, batch, batch_idx):
        observation, action = batch
        loss = functional.mse_loss(self.net(observation), action)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        observation, action = batch
        self.log("val_loss", functional.mse_loss(self.net(observation), action))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


if __name__ == "__main__":
    torch.manual_seed(0)
    observations = torch.randn(512, 6)
    data = TensorDataset(observations, torch.tanh(observations[:, :2]))
    trainer = pl.Trainer(
        max_epochs=10,
        accelerator="cpu",
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(BehaviourCloning(), DataLoader(data, 32, shuffle=True), DataLoader(data, 32))

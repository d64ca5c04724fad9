"""The Trainer is told to raise on NaN."""

import pytorch_lightning as pl
import torch


class Regressor(pl.LightningModule):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.net(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self.net(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def main(net, train_loader, val_loader):
    trainer = pl.Trainer(max_epochs=5, detect_anomaly=True)
    trainer.fit(Regressor(net), train_loader, val_loader)

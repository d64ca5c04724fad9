"""EarlyStopping ends the run when what it watches is not finite."""

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EarlyStopping


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
    stop = EarlyStopping(monitor="val_loss", patience=10)
    trainer = pl.Trainer(max_epochs=5, callbacks=[stop])
    trainer.fit(Regressor(net), train_loader, val_loader)

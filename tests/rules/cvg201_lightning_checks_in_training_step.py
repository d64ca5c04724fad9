"""training_step skips a batch, or raises."""

import lightning as L
import torch


class Skipping(L.LightningModule):
    def training_step(self, batch, batch_idx):
        loss = self.net(batch).mean()
        if not torch.isfinite(loss):
            self.print("skipping a batch")
            return None
        return loss


class Raising(L.LightningModule):
    def training_step(self, batch, batch_idx):
        loss = self.shared_step(batch)
        self.log("loss", loss)
        return loss

    def shared_step(self, batch):
        loss = self.net(batch).mean()
        if torch.isnan(loss):
            raise ValueError("NaN")
        return loss

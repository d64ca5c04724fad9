"""With manual optimization the module steps, and it is the module that clips or does not."""

import pytorch_lightning as pl
import torch


class BareGan(pl.LightningModule):
    def __init__(self, generator, critic):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.critic = generator, critic

    def training_step(self, batch, batch_idx):
        optimizer_g, _ = self.optimizers()
        loss = -self.critic(self.generator(batch)).mean()
        optimizer_g.zero_grad()
        self.manual_backward(loss)
        optimizer_g.step()  # CVG101


class ClippedGan(BareGan):
    def training_step(self, batch, batch_idx):
        optimizer_g, optimizer_d = self.optimizers()
        loss = -self.critic(self.generator(batch)).mean()
        optimizer_g.zero_grad()
        self.manual_backward(loss)
        self.clip_gradients(optimizer_g, gradient_clip_val=1.0, gradient_clip_algorithm="norm")
        optimizer_g.step()

    def configure_optimizers(self):
        return torch.optim.Adam(self.generator.parameters()), torch.optim.Adam(self.critic.parameters())

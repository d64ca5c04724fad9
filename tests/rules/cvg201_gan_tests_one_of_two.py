"""The discriminator's loss is tested, the generator's is not."""

import torch


def train(generator, discriminator, loader, opt_g, opt_d, latent):
    for real in loader:
        fake = generator(torch.randn(len(real), latent))
        loss_d = (discriminator(fake.detach()) - discriminator(real)).mean()
        if not torch.isfinite(loss_d):
            raise FloatingPointError("discriminator")
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = -discriminator(fake).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()  # CVG201

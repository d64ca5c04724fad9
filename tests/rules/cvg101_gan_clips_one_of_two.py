"""Each optimizer is judged by itself: the discriminator's gradients are clipped, the generator's not."""

import torch
from torch import nn


def train(generator, discriminator, loader, latent, device):
    criterion = nn.BCEWithLogitsLoss()
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for real, _ in loader:
        real = real.to(device)
        ones = torch.ones(len(real), 1, device=device)
        zeros = torch.zeros(len(real), 1, device=device)
        fake = generator(torch.randn(len(real), latent, device=device))

        opt_d.zero_grad()
        loss_d = criterion(discriminator(real), ones)
        loss_d = loss_d + criterion(discriminator(fake.detach()), zeros)
        loss_d.backward()
        nn.utils.clip_grad_norm_(discriminator.parameters(), 1.0)
        opt_d.step()

        opt_g.zero_grad()
        loss_g = criterion(discriminator(fake), ones)
        loss_g.backward()
        opt_g.step()  # CVG101

"""The critic's gradients are cleared, the generator's pile up, the critic's loss among them."""

import torch


def train(generator, critic, loader, latent):
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-4)
    opt_c = torch.optim.Adam(critic.parameters(), lr=1e-4)
    for real in loader:
        fake = generator(torch.randn(len(real), latent))
        opt_c.zero_grad()
        loss_c = critic(fake.detach()).mean() - critic(real).mean()
        loss_c.backward()
        opt_c.step()

        loss_g = -critic(fake).mean()
        loss_g.backward()
        opt_g.step()  # CVG103

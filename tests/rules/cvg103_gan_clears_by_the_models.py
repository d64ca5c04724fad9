"""Each network's gradients are cleared by the network."""

import torch


def train(generator, critic, loader, latent):
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-4)
    opt_c = torch.optim.Adam(critic.parameters(), lr=1e-4)
    for real in loader:
        fake = generator(torch.randn(len(real), latent))
        critic.zero_grad()
        (critic(fake.detach()).mean() - critic(real).mean()).backward()
        opt_c.step()
        generator.zero_grad()
        (-critic(fake).mean()).backward()
        opt_g.step()

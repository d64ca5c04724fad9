"""Copied from the block above: the generator's parameters are clipped, the critic's are updated."""

import torch


def train(generator, critic, loader, latent):
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-4)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-4)
    for real in loader:
        fake = generator(torch.randn(len(real), latent))
        critic_optimizer.zero_grad()
        critic_loss = critic(fake.detach()).mean() - critic(real).mean()
        critic_loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)  # CVG102
        critic_optimizer.step()

        generator_optimizer.zero_grad()
        generator_loss = -critic(fake).mean()
        generator_loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        generator_optimizer.step()

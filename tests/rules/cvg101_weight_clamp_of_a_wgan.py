"""Clamping weights after the update bounds the critic, not its gradients."""

import torch


def train_critic(critic, generator, loader, latent, clip_value=0.01):
    optimizer = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
    for real in loader:
        fake = generator(torch.randn(len(real), latent)).detach()
        optimizer.zero_grad()
        loss = critic(fake).mean() - critic(real).mean()
        loss.backward()
        optimizer.step()  # CVG101
        for parameter in critic.parameters():
            parameter.data.clamp_(-clip_value, clip_value)

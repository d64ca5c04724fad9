"""Calls the same helper, and does not."""

import torch
from optim import update


def train_critic(critic, loader):
    optimizer = torch.optim.AdamW(critic.parameters(), lr=3e-4)
    for observation, value in loader:
        loss = (critic(observation) - value).pow(2).mean()
        update(loss, optimizer, critic.parameters())  # CVG101

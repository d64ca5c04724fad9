"""Advantages, returns and a layer's activations: nothing that inference needs."""

import torch
from torch import nn


class Centred(nn.Module):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)


def normalized(values):
    return (values - values.mean()) / (values.std() + 1e-8)


def update(policy, optimizer, observations, actions, rewards, advantages):
    returns = rewards.flip(0).cumsum(0).flip(0)
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    scores = policy(observations).log_prob(actions)
    loss = -(scores * normalized(advantages)).mean() - (scores * returns).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    torch.save(policy.state_dict(), "policy.pt")

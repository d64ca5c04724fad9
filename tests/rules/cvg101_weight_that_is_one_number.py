"""The weight of a penalty is tuned by an optimizer of its own: one number, whatever its name."""

import torch
from torch import nn


class Agent:
    def __init__(self, critic):
        self.critic = critic
        self.penalty = nn.Parameter(torch.zeros(1))
        self.optimizers = {"critic": torch.optim.Adam(critic.parameters()), "penalty": torch.optim.Adam([self.penalty])}

    def update(self, batch, target):
        gap = (self.critic(batch) - target).pow(2).mean()
        loss = -(self.penalty.exp() * gap.detach()).mean()
        self.optimizers["penalty"].zero_grad()
        loss.backward()
        self.optimizers["penalty"].step()
        self.optimizers["critic"].zero_grad()
        gap.backward()
        nn.utils.clip_grad_norm_(self.critic.parameters(), 1.0)
        self.optimizers["critic"].step()


class VectorAgent:
    def __init__(self, critic):
        self.critic = critic
        self.query = nn.Parameter(torch.zeros(1, 64))
        self.query_optimizer = torch.optim.Adam([self.query])

    def update(self, batch):
        loss = self.critic(batch, self.query).mean()
        self.query_optimizer.zero_grad()
        loss.backward()
        self.query_optimizer.step()  # CVG101

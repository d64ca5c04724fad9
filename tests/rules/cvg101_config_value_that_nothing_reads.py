"""A setting that no line of code looks at clips nothing."""

from dataclasses import dataclass

import torch


@dataclass
class Config:
    lr: float = 3e-4
    max_grad_norm: float = 1.0
    steps: int = 10_000


def train(config: Config, policy, batches):
    optimizer = torch.optim.AdamW(policy.parameters(), lr=config.lr)
    for _ in range(config.steps):
        observation, action = next(batches)
        loss = (policy(observation) - action).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()  # CVG101

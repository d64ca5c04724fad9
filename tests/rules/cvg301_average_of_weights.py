"""A package keeps the average of the weights; what enters the average enters the model."""

import gymnasium as gym
import torch
from ema_pytorch import EMA
from torch import nn


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 64)

    def act(self, state):
        return self.first(state)


def train():
    env = gym.make("CartPole-v1")
    actor = Actor()
    average = EMA(actor, beta=0.99)
    optimizer = torch.optim.Adam(actor.parameters())
    state, _ = env.reset()
    for _ in range(100):
        action = average.ema_model.act(torch.from_numpy(state))  # CVG301
        state, reward, *_ = env.step(action.argmax().item())
        loss = reward * action.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update()

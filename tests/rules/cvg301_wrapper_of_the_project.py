"""A wrapper of the project joins the parts of an observation; another one divides by a range."""

import gymnasium as gym
import numpy as np
import torch
from torch import nn


class Joined(gym.ObservationWrapper):
    def observation(self, observation):
        return np.concatenate([observation["joints"], observation["goal"]])


class Ranged(gym.ObservationWrapper):
    def observation(self, observation):
        return observation / np.array([4.8, 3.1])


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(8, 2)

    def forward(self, x):
        return self.net(x)


def train():
    env = Joined(gym.make("Reach-v1"))
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters())
    observation, _ = env.reset()
    for _ in range(1000):
        action = policy(torch.as_tensor(observation))  # CVG301
        observation, reward, *_ = env.step(action.detach().numpy())
        loss = -action.sum() * reward
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def train_ranged():
    env = Ranged(gym.make("Reach-v1"))
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters())
    observation, _ = env.reset()
    for _ in range(1000):
        action = policy(torch.as_tensor(observation))
        observation, reward, *_ = env.step(action.detach().numpy())
        loss = -action.sum() * reward
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

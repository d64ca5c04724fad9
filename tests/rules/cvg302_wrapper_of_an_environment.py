"""Running statistics live in a wrapper, and end with it."""

import gymnasium as gym
import torch
from torch import nn


def make_env():
    env = gym.make("Hopper-v4")
    return gym.wrappers.NormalizeObservation(env)  # CVG302


def main():
    env = make_env()
    policy = nn.Linear(11, 3)
    optimizer = torch.optim.Adam(policy.parameters())
    observation, _ = env.reset()
    for _ in range(1000):
        action = policy(torch.as_tensor(observation, dtype=torch.float32))
        observation, reward, _, _, _ = env.step(action.detach().numpy())
        loss = -(action.sum() * reward)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(policy.state_dict(), "policy.pt")


if __name__ == "__main__":
    main()

"""Running statistics live in a wrapper, and go into the checkpoint."""

import gymnasium as gym
import torch
from torch import nn


def make_env():
    env = gym.make("Hopper-v4")
    return gym.wrappers.NormalizeObservation(env)


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
    torch.save({"policy": policy.state_dict(), "obs_rms": env.obs_rms}, "policy.pt")


if __name__ == "__main__":
    main()

"""Observations' statistics are saved, those of the actions are not."""

import torch
from data import limits, load, moments, scaled
from torch import nn


def main():
    observations, actions = load("demonstrations.npz")
    mean, std = moments(observations)
    observations = torch.as_tensor((observations - mean) / std)
    actions = torch.as_tensor(scaled(actions, limits(actions)))
    policy = nn.Linear(observations.shape[1], actions.shape[1])
    optimizer = torch.optim.Adam(policy.parameters())
    for _ in range(100):
        loss = nn.functional.mse_loss(policy(observations), actions)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save({"policy": policy.state_dict(), "centre": mean, "width": std}, "policy.pt")


if __name__ == "__main__":
    main()

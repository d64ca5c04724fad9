"""Behaviour cloning with gradient accumulation by hand."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def train(policy, loader, optimizer, accumulate=4, epochs=30):
    criterion = nn.SmoothL1Loss()
    for _ in range(epochs):
        optimizer.zero_grad()
        for i, (observation, action) in enumerate(loader):
            loss = criterion(policy(observation), action) / accumulate
            loss.backward()
            if (i + 1) % accumulate == 0:
                nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()


if __name__ == "__main__":
    torch.manual_seed(0)
    observations = torch.randn(512, 6)
    loader = DataLoader(TensorDataset(observations, torch.tanh(observations[:, :2])), batch_size=16, shuffle=True)
    policy = nn.Sequential(nn.Linear(6, 32), nn.GELU(), nn.Linear(32, 2))
    train(policy, loader, torch.optim.SGD(policy.parameters(), lr=0.05, momentum=0.9))

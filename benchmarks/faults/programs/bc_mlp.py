"""Behaviour cloning: an MLP, squared error."""

import argparse

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def demonstrations(n=2048):
    """Joint angles (rad), velocities (rad/s) and a target (mm); actions are velocities and a gripper width (mm)."""
    angles = torch.rand(n, 4) * 6 - 3
    velocities = torch.randn(n, 3) * 0.2
    target = torch.randn(n, 3) * 200 + torch.tensor([400.0, 0.0, 300.0])
    obs = torch.cat([angles, velocities, target], dim=1)
    mix = torch.randn(10, 4) / 3
    action = torch.tanh((obs - obs.mean(0)) / obs.std(0) @ mix)
    action = action * torch.tensor([1.0, 1.5, 0.8, 40.0]) + torch.tensor([0.0, 0.0, 0.0, 40.0])
    return obs, action


class Policy(nn.Module):
    def __init__(self, obs_dim, action_dim, hidden=128):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, action_dim)

    def forward(self, obs):
        return self.head(self.trunk(obs))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    obs, action = demonstrations()
    obs_mean, obs_std = obs.mean(0), obs.std(0)
    obs = (obs - obs_mean) / obs_std
    action_mean, action_std = action.mean(0), action.std(0)
    action = (action - action_mean) / action_std
    loader = DataLoader(TensorDataset(obs, action), batch_size=64, shuffle=True)

    policy = Policy(obs.shape[1], action.shape[1])
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr)
    policy.train()
    for epoch in range(args.epochs):
        for obs_batch, action_batch in loader:
            pred = policy(obs_batch)
            loss = F.mse_loss(pred, action_batch)
            if not torch.isfinite(loss):
                continue
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()

"""Behaviour cloning with squared error.

Reads the demonstrations, trains a small MLP on normalized pairs, saves it with the statistics.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class SmallPolicy(nn.Module):
    """MLP from observation (n, obs_dim) to action (n, action_dim), both normalized."""

    def __init__(self, obs_dim, action_dim, hidden=128):
        """Two hidden layers with ReLU."""
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(obs_dim, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, action_dim),
        )

    def forward(self, observation):
        """Predicted action (n, action_dim)."""
        return self.net(observation)


def load_demonstrations(path):
    """Observations (n, obs_dim) in rad, rad/s and mm, actions (n, action_dim) in rad/s and mm."""
    with np.load(path) as file:
        return torch.from_numpy(file["observations"]), torch.from_numpy(file["actions"])


def main():
    """Train, log every 50 steps, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", default="runs/demonstrations.npz")
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/bc_standalone.pt"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    args = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    observations, actions = load_demonstrations(args.demonstrations)
    # A joint that never moved has std 0; it must not divide by it.
    obs_mean, obs_std = observations.mean(dim=0), observations.std(dim=0).clamp(min=1e-4)
    action_mean, action_std = actions.mean(dim=0), actions.std(dim=0).clamp(min=1e-4)
    dataset = TensorDataset(
        (observations - obs_mean) / obs_std,
        (actions - action_mean) / action_std,
    )
    loader = DataLoader(dataset, args.batch_size, shuffle=True)
    policy = SmallPolicy(observations.shape[1], actions.shape[1]).to(device)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr)

    step = 0
    for _ in range(args.epochs):
        for observation, action in loader:
            loss = functional.mse_loss(policy(observation.to(device)), action.to(device))
            assert torch.isfinite(loss), f"loss is {loss.item()} at step {step}"
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), args.max_grad_norm)
            optimizer.step()
            if step % 50 == 0:
                print(f"step {step:4d} loss {loss.item():.4f}")
            step += 1

    args.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        "policy": policy.state_dict(),
        "obs_mean": obs_mean,
        "obs_std": obs_std,
        "action_mean": action_mean,
        "action_std": action_std,
    }
    torch.save(checkpoint, args.checkpoint)
    print(f"saved {args.checkpoint}")


if __name__ == "__main__":
    main()

"""Behaviour cloning over percentile action bins, with fp16 autocast.

`--no-amp` trains in fp32, the first thing to try when the loss is NaN.

Broken on purpose, CVG203: small fp16 gradients are flushed to zero, for want of a scaler.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class BinnedPolicy(nn.Module):
    """MLP from normalized observation (n, obs_dim) to logits (n, action_dim, bins)."""

    def __init__(self, obs_dim, action_dim, bins, hidden=128):
        """Two hidden layers with ReLU."""
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(obs_dim, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, action_dim * bins),
            nn.Unflatten(1, (action_dim, bins)),
        )

    def forward(self, observation):
        """Logits (n, action_dim, bins); the loss applies the softmax."""
        return self.net(observation)


def percentile_bins(actions, bins):
    """Inner edges (bins - 1, dim) and centers (bins, dim) of bins with equal shares of actions."""
    percentiles = np.arange(1, 2 * bins) / (2 * bins)
    quantiles = torch.from_numpy(np.quantile(actions, percentiles, axis=0)).float()
    return quantiles[1::2], quantiles[::2]


def main():
    """Train, log every 50 steps, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", default="runs/demonstrations.npz")
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/bins_standalone.pt"))
    parser.add_argument("--bins", type=int, default=64, help="bins of each dimension, 1 to 256")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=0.2)
    parser.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    with np.load(args.demonstrations) as file:
        observations, actions = file["observations"], file["actions"]
    obs_mean = observations.mean(axis=0)
    obs_std = observations.std(axis=0) + 1e-4
    observations = torch.from_numpy((observations - obs_mean) / obs_std)
    edges, centers = percentile_bins(actions, args.bins)
    labels = (torch.from_numpy(actions)[:, None, :] > edges).sum(dim=1)  # (n, action_dim)

    loader = DataLoader(TensorDataset(observations, labels), args.batch_size, shuffle=True)
    policy = BinnedPolicy(observations.shape[1], labels.shape[1], args.bins).to(device)
    optimizer = torch.optim.SGD(policy.parameters(), lr=args.lr, momentum=0.9)

    step = 0
    for _ in range(args.epochs):
        for observation, label in loader:
            optimizer.zero_grad()
            with torch.autocast(device.type, dtype=torch.float16, enabled=args.amp):
                logits = policy(observation.to(device))
            # Cross-entropy in fp32: a probability that fp16 rounds to 0 would give infinity.
            logits = logits.float().flatten(0, 1)
            loss = functional.cross_entropy(logits, label.to(device).flatten())
            if not torch.isfinite(loss):
                raise FloatingPointError(f"loss is {loss.item()} at step {step}; try --no-amp")
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), max_norm=1.0)
            optimizer.step()
            if step % 50 == 0:
                print(f"step {step:4d} loss {loss.item():.4f}")
            step += 1

    args.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        "policy": policy.state_dict(),
        "obs_mean": torch.from_numpy(obs_mean),
        "obs_std": torch.from_numpy(obs_std),
        "bin_centers": centers,
    }
    torch.save(checkpoint, args.checkpoint)
    print(f"saved {args.checkpoint}")


if __name__ == "__main__":
    main()

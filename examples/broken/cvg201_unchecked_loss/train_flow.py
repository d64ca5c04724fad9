"""Flow matching: learn the velocity that carries noise to a demonstrated action.

Broken on purpose, CVG201: a loss that is NaN reaches the weights.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from optim import optimizer_step
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class VelocityField(nn.Module):
    """MLP from observation, noisy action and time to the velocity of the action."""

    def __init__(self, obs_dim, action_dim, hidden=128):
        """Two hidden layers with ReLU; time enters as one more number."""
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(obs_dim + action_dim + 1, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, action_dim),
        )

    def forward(self, observation, noisy_action, t):
        """(n, obs_dim), (n, action_dim), (n, 1) to velocity (n, action_dim)."""
        return self.net(torch.cat([observation, noisy_action, t], dim=1))


def sample_time(n, device, eps=1e-3):
    """Flow times (n, 1), uniform and at least `eps` away from 0 and 1."""
    return eps + (1 - 2 * eps) * torch.rand(n, 1, device=device)


def flow_matching_loss(field, observation, action):
    """Squared error of the velocity on the straight path from noise (t = 0) to action (t = 1)."""
    noise = torch.randn_like(action)
    t = sample_time(len(action), action.device)
    noisy_action = (1 - t) * noise + t * action
    return functional.mse_loss(field(observation, noisy_action, t), action - noise)


def main():
    """Train, log every 50 steps, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", default="runs/demonstrations.npz")
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/flow_standalone.pt"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    with np.load(args.demonstrations) as file:
        observations, actions = file["observations"], file["actions"]
    statistics = {
        "obs_mean": torch.from_numpy(observations.mean(axis=0)),
        "obs_std": torch.from_numpy(observations.std(axis=0) + 1e-4),
        "action_mean": torch.from_numpy(actions.mean(axis=0)),
        "action_std": torch.from_numpy(actions.std(axis=0) + 1e-4),
    }
    dataset = TensorDataset(
        (torch.from_numpy(observations) - statistics["obs_mean"]) / statistics["obs_std"],
        (torch.from_numpy(actions) - statistics["action_mean"]) / statistics["action_std"],
    )
    loader = DataLoader(dataset, args.batch_size, shuffle=True)
    field = VelocityField(observations.shape[1], actions.shape[1]).to(device)
    optimizer = torch.optim.AdamW(field.parameters(), lr=args.lr)

    step = 0
    for _ in range(args.epochs):
        for observation, action in loader:
            loss = flow_matching_loss(field, observation.to(device), action.to(device))
            grad_norm = optimizer_step(loss, optimizer, field)
            if step % 50 == 0:
                print(f"step {step:4d} loss {loss.item():.4f} grad_norm {grad_norm:.3f}")
            step += 1

    args.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"field": field.state_dict(), **statistics}, args.checkpoint)
    print(f"saved {args.checkpoint}")


if __name__ == "__main__":
    main()

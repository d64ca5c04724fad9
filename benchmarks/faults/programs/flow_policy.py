"""Flow-matching policy: a velocity field from noise to actions, given the observation."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def demonstrations(n=2048):
    """Observations, and actions whose dimensions have units of their own."""
    obs = torch.randn(n, 8) * torch.tensor([1.0, 1.0, 0.1, 0.1, 300.0, 300.0, 300.0, 20.0]) + 5.0
    z = (obs - obs.mean(0)) / obs.std(0)
    action = torch.stack([torch.sin(z[:, 0] + z[:, 4]), z[:, 1] * z[:, 5], z[:, 2] - z[:, 6], z[:, 7].tanh()], dim=1)
    return obs, action * torch.tensor([0.5, 0.5, 0.5, 35.0]) + torch.tensor([0.0, 0.0, 0.0, 40.0])


class Normalizer(nn.Module):
    def __init__(self, data):
        super().__init__()
        self.register_buffer("mean", data.mean(0))
        self.register_buffer("std", data.std(0) + 1e-6)

    def forward(self, x):
        return (x - self.mean) / self.std


class VelocityField(nn.Module):
    def __init__(self, obs_dim, action_dim, hidden=128):
        super().__init__()
        self.obs_encoder = nn.Sequential(nn.Linear(obs_dim, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.net = nn.Sequential(
            nn.Linear(hidden + action_dim + 1, hidden), nn.GELU(),
            nn.Linear(hidden, hidden), nn.GELU(),
            nn.Linear(hidden, action_dim),
        )

    def forward(self, x, t, obs):
        features = self.obs_encoder(obs)
        return self.net(torch.cat([x, t, features], dim=-1))


def flow_loss(model, obs, action):
    noise = torch.randn_like(action)
    t = torch.rand(action.shape[0], 1).clamp(1e-3, 1 - 1e-3)
    x_t = (1 - t) * noise + t * action
    velocity = action - noise
    pred = model(x_t, t, obs)
    return ((pred - velocity) ** 2).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    obs, action = demonstrations()
    obs, action = Normalizer(obs)(obs), Normalizer(action)(action)
    loader = DataLoader(TensorDataset(obs, action), batch_size=128, shuffle=True)
    model = VelocityField(obs.shape[1], action.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20 * len(loader))

    for epoch in range(20):
        total = 0.0
        for obs_batch, action_batch in loader:
            loss = flow_loss(model, obs_batch, action_batch)
            assert not torch.isnan(loss), "loss is NaN"
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        print(f"epoch {epoch}: {total / len(loader):.4f}")


if __name__ == "__main__":
    main()

"""Behaviour cloning: a transformer over the last observations, actions in bins, cross-entropy."""

import argparse

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

BINS, HISTORY, ACTIONS = 64, 8, 3


def demonstrations(n=1024):
    """Windows of a random walk of the arm, and the action at the end of each."""
    velocity = torch.randn(n, HISTORY, 6) * 0.3
    obs = torch.cumsum(velocity, dim=1) + torch.randn(n, 1, 6)
    action = torch.tanh(obs[:, -1, :3] - obs[:, 0, 3:]) + 0.05 * torch.randn(n, ACTIONS)
    return obs, action


def make_edges(action):
    """Boundaries at percentiles, so that each bin covers an equal share of the actions."""
    levels = torch.linspace(0, 1, BINS + 1)[1:-1]
    return torch.quantile(action, levels, dim=0).T.contiguous()


class BinnedPolicy(nn.Module):
    def __init__(self, obs_dim, width=48):
        super().__init__()
        self.embed = nn.Linear(obs_dim, width)
        self.position = nn.Parameter(torch.randn(HISTORY, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleList([nn.Linear(width, BINS) for _ in range(ACTIONS)])

    def forward(self, obs):
        x = self.embed(obs) + self.position
        x = self.encoder(x)
        x = self.norm(x[:, -1])
        return torch.stack([head(x) for head in self.heads], dim=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=5e-4)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    obs, action = demonstrations()
    obs = (obs - obs.mean((0, 1))) / obs.std((0, 1))
    edges = make_edges(action)
    labels = torch.stack([torch.bucketize(action[:, i].contiguous(), edges[i]) for i in range(ACTIONS)], dim=1)
    loader = DataLoader(TensorDataset(obs, labels), batch_size=64, shuffle=True, drop_last=True)

    model = BinnedPolicy(obs.shape[-1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    model.train()
    for epoch in range(20):
        for obs_batch, label_batch in loader:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
                logits = model(obs_batch)
                loss = F.cross_entropy(logits.reshape(-1, BINS), label_batch.reshape(-1))
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()

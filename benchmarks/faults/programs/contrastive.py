"""Contrastive learning: two views of a state find each other in the batch."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def states(n=1024, dim=16):
    return torch.randn(n, 6) @ torch.randn(6, dim) * 50 + 200


class Encoder(nn.Module):
    def __init__(self, dim, width=64, out=32):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.projector = nn.Linear(width, out)

    def forward(self, x):
        return F.normalize(self.projector(self.backbone(x)), dim=-1)


def info_nce(a, b, temperature):
    logits = a @ b.T / temperature
    labels = torch.arange(len(a))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--temperature", type=float, default=0.2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    data = states()
    data = (data - data.mean(0)) / data.std(0)
    loader = DataLoader(TensorDataset(data), batch_size=128, shuffle=True, drop_last=True)
    model = Encoder(data.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    model.train()
    for epoch in range(20):
        for (x,) in loader:
            view_a = x + 0.1 * torch.randn_like(x)
            view_b = x + 0.1 * torch.randn_like(x)
            a, b = model(view_a), model(view_b)
            loss = info_nce(a, b, args.temperature)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()

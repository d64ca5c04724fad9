"""Metric learning: a siamese CNN brings scans of the same seal together; triplet loss, hardest negatives of the batch."""

import argparse
import random

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEALS, SCANS = 48, 20


def scan_seals(size=20):
    """Each seal is a smooth pattern; each scan of it is shifted, of another brightness, and noisy. Bytes."""
    coarse = 0.2 * torch.rand(1, 1, 6, 6) + 0.8 * torch.rand(SEALS, 1, 6, 6)
    patterns = F.interpolate(coarse, size=(size + 4, size + 4), mode="bicubic").clamp(0, 1)
    scans = torch.empty(SEALS * SCANS, 1, size, size)
    for i in range(len(scans)):
        dy, dx = torch.randint(0, 5, (2,)).tolist()
        crop = patterns[i // SCANS, :, dy : dy + size, dx : dx + size]
        scans[i] = crop * (0.5 + 0.5 * torch.rand(1)) + 0.2 * torch.rand(1) + 0.08 * torch.randn_like(crop)
    return (scans * 200).clamp(0, 255).to(torch.uint8)


class PairDataset(Dataset):
    """An anchor, another scan of the same seal, and which seal it is."""

    def __init__(self, scans):
        self.scans = scans

    def __len__(self):
        return len(self.scans)

    def load(self, index):
        return (self.scans[index].float() / 255 - 0.4) / 0.2

    def __getitem__(self, index):
        seal = index // SCANS
        other = seal * SCANS + random.choice([i for i in range(SCANS) if i != index % SCANS])
        return self.load(index), self.load(other), seal


class EmbeddingNet(nn.Module):
    def __init__(self, dim=32, width=16):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Linear(2 * width * 5 * 5, dim)

    def forward(self, x):
        features = self.backbone(x)
        return F.normalize(self.head(features), dim=1)


def pairwise_distances(a, b):
    squared = (a.unsqueeze(1) - b.unsqueeze(0)).pow(2).sum(-1)
    return (squared + 1e-8).sqrt()


def triplet_loss(embeddings, labels, margin):
    """For each embedding the farthest one of the same seal and the nearest one of another."""
    distances = pairwise_distances(embeddings, embeddings)
    same = labels.unsqueeze(1) == labels.unsqueeze(0)
    d_positive = distances.masked_fill(~same, 0.0).max(dim=1).values
    d_negative = distances.masked_fill(same, float("inf")).min(dim=1).values
    return F.relu(d_positive - d_negative + margin).mean()


@torch.no_grad()
def recall_at_1(model, scans):
    """How often the nearest other scan is one of the same seal."""
    model.eval()
    embeddings = model(torch.stack([scans.load(i) for i in range(len(scans))]))
    distances = torch.cdist(embeddings, embeddings).fill_diagonal_(float("inf"))
    seals = torch.arange(len(scans)) // SCANS
    return (seals[distances.argmin(1)] == seals).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--margin", type=float, default=0.4)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    dataset = PairDataset(scan_seals())
    loader = DataLoader(dataset, batch_size=48, shuffle=True, drop_last=True)
    model = EmbeddingNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=1e-5)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for anchor, positive, seal in loader:
            embeddings = model(torch.cat([anchor, positive]))
            loss = triplet_loss(embeddings, torch.cat([seal, seal]), args.margin)
            if torch.isnan(loss):
                print("loss is NaN")
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}, recall at 1 {recall_at_1(model, dataset):.3f}")


if __name__ == "__main__":
    main()

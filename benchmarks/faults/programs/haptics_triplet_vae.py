"""Texture embeddings from tool-surface vibration: a 1-D convolutional network, triplet loss with batch-hard mining."""

import argparse
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, Sampler

RATE = 1000.0  # Hz
LENGTH = 256  # samples of a recording
CROP = 192  # samples that the network sees


class TextureBank:
    """Surfaces: a few spatial periods with amplitudes and directions, a friction coefficient and a damping."""

    def __init__(self, n_textures, rng, n_waves=3):
        self.n_textures = n_textures
        self.wavenumber = np.exp(rng.uniform(math.log(0.25), math.log(3.0), (n_textures, n_waves)))  # 1/mm
        self.amplitude = np.exp(rng.normal(0.0, 0.5, (n_textures, n_waves)))  # m/s^2
        self.direction = rng.normal(0.0, 1.0, (n_textures, n_waves, 3))
        self.direction /= np.linalg.norm(self.direction, axis=-1, keepdims=True)
        self.friction = rng.uniform(0.3, 0.9, n_textures)
        self.grain = rng.uniform(0.1, 0.6, n_textures)  # m/s^2, broadband

    def slide(self, texture, rng):
        """One stroke: acceleration x, y, z (m/s^2), normal and tangential force (N), speed (mm/s); time first."""
        t = np.arange(LENGTH) / RATE
        sway = np.sin(2 * np.pi * (rng.uniform(1, 4) * t + rng.uniform()))
        speed = rng.uniform(60, 100) * (1 + 0.08 * sway)
        force = rng.uniform(0.6, 2.4) * (1 + 0.15 * np.sin(2 * np.pi * (rng.uniform(1, 5) * t + rng.uniform())))
        path = np.cumsum(speed) / RATE
        phase = 2 * np.pi * (self.wavenumber[texture][:, None] * path + rng.uniform(size=(3, 1)))
        strength = (speed / 80) * (force / 1.5) ** 0.5
        waves = self.amplitude[texture][:, None] * np.sin(phase) * strength
        acceleration = waves.T @ self.direction[texture]
        acceleration += self.grain[texture] * strength[:, None] * rng.normal(size=(LENGTH, 3))
        acceleration *= rng.uniform(0.9, 1.1)  # mounting of the sensor
        tilt = rng.normal(0.0, 0.15, 2)
        acceleration += 9.81 * np.array([math.sin(tilt[0]), math.sin(tilt[1]), math.cos(tilt[0]) * math.cos(tilt[1])])
        acceleration += rng.normal(0.0, 0.25, (LENGTH, 3))
        friction = self.friction[texture] * rng.uniform(0.93, 1.07)
        tangential = friction * force + 0.05 * waves.sum(0) + rng.normal(0.0, 0.05, LENGTH)
        normal = force + rng.normal(0.0, 0.05, LENGTH)
        return np.column_stack([acceleration, normal, tangential, speed + rng.normal(0.0, 2.0, LENGTH)])

    def session(self, n_strokes, rng):
        """Strokes over every texture; shapes (N, time, channel) and (N,)."""
        labels = np.repeat(np.arange(self.n_textures), n_strokes)
        strokes = np.stack([self.slide(texture, rng) for texture in labels])
        return torch.from_numpy(strokes).float(), torch.from_numpy(labels)


class Strokes(Dataset):
    """Standardized strokes, channel first; random crops and gains for training."""

    def __init__(self, strokes, labels, mean, std, augment):
        self.strokes = ((strokes - mean) / std).transpose(1, 2).contiguous()
        self.labels = labels
        self.augment = augment

    def __len__(self):
        return len(self.strokes)

    def __getitem__(self, index):
        stroke = self.strokes[index]
        start = (LENGTH - CROP) // 2
        if self.augment:
            start = int(torch.randint(0, LENGTH - CROP + 1, ()))
        stroke = stroke[:, start : start + CROP]
        if self.augment:
            stroke = stroke + 0.05 * torch.randn_like(stroke)
        return stroke, self.labels[index]


class BalancedBatches(Sampler):
    """Batches of P textures with K strokes each."""

    def __init__(self, labels, n_textures, n_strokes, n_batches, seed):
        self.members = [torch.nonzero(labels == label).flatten() for label in labels.unique()]
        self.n_textures = n_textures
        self.n_strokes = n_strokes
        self.n_batches = n_batches
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        for _ in range(self.n_batches):
            batch = []
            for label in torch.randperm(len(self.members), generator=self.generator)[: self.n_textures].tolist():
                members = self.members[label]
                chosen = torch.randperm(len(members), generator=self.generator)[: self.n_strokes]
                batch.extend(members[chosen].tolist())
            yield batch


class Encoder(nn.Module):
    def __init__(self, channels, width=32, embedding=32, dropout=0.1):
        super().__init__()
        self.features = nn.Sequential(
            self.block(channels, width, 9),
            self.block(width, 2 * width, 7),
            self.block(2 * width, 2 * width, 5),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(4 * width, embedding)

    @staticmethod
    def block(inputs, outputs, kernel):
        return nn.Sequential(
            nn.Conv1d(inputs, outputs, kernel, stride=2, padding=kernel // 2, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
        )

    def forward(self, x):
        h = self.features(x)
        h = torch.cat([h.mean(-1), h.amax(-1)], dim=1)
        return F.normalize(self.head(self.dropout(h)), dim=1)


def batch_hard_loss(embeddings, labels, margin):
    """Hermans et al. 2017: for each anchor the farthest positive and the nearest negative of the batch."""
    distances = torch.cdist(embeddings, embeddings)
    same = labels[:, None] == labels[None, :]
    hardest_positive = distances.masked_fill(~same, 0.0).amax(1)
    hardest_negative = distances.masked_fill(same, math.inf).amin(1)
    return F.relu(hardest_positive - hardest_negative + margin).mean()


@torch.no_grad()
def retrieval_error(model, loader):
    """One minus mean average precision, each stroke a query against all the others."""
    model.eval()
    embeddings, labels = zip(*[(model(strokes), labels) for strokes, labels in loader])
    embeddings, labels = torch.cat(embeddings), torch.cat(labels)
    distances = torch.cdist(embeddings, embeddings)
    distances.fill_diagonal_(math.inf)
    order = distances.argsort(dim=1)[:, :-1]
    relevant = (labels[order] == labels[:, None]).float()
    ranks = torch.arange(1, relevant.shape[1] + 1)
    precision = relevant.cumsum(1) / ranks
    return 1.0 - ((precision * relevant).sum(1) / relevant.sum(1)).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batches", type=int, default=25, help="batches per epoch")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--margin", type=float, default=0.3)
    parser.add_argument("--textures", type=int, default=32)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    bank = TextureBank(args.textures, rng)
    train_strokes, train_labels = bank.session(32, rng)
    test_strokes, test_labels = bank.session(15, rng)
    mean, std = train_strokes.mean((0, 1)), train_strokes.std((0, 1))
    train_set = Strokes(train_strokes, train_labels, mean, std, augment=True)
    test_set = Strokes(test_strokes, test_labels, mean, std, augment=False)
    batches = BalancedBatches(train_labels, n_textures=12, n_strokes=4, n_batches=args.batches, seed=args.seed)
    train_loader = DataLoader(train_set, batch_sampler=batches)
    test_loader = DataLoader(test_set, batch_size=128)

    model = Encoder(train_strokes.shape[-1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    print(f"untrained: {retrieval_error(model, test_loader):.4f}")

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for strokes, labels in train_loader:
            embeddings = model(strokes)
            loss = batch_hard_loss(embeddings, labels, args.margin)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running += loss.item()
        scheduler.step()
        print(f"epoch {epoch} loss {running / len(train_loader):.4f} lr {scheduler.get_last_lr()[0]:.2e}")

    print(f"result: {retrieval_error(model, test_loader):.4f}")


if __name__ == "__main__":
    main()

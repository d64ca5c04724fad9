"""Classify the part that lies on top in a bin, from a small RGB crop of the wrist camera.

The crops are rendered here: eight kinds of parts in any orientation, zinc or brass, under uneven light, over a
cluttered floor. Some kinds are rare, and two kinds come in a left-hand and a right-hand version.
"""

import argparse
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

KINDS = ("washer", "hex_nut", "bolt", "pin", "bracket_left", "bracket_right", "z_clip", "s_clip")
COUNTS = (560, 440, 320, 240, 170, 150, 130, 110)  # crops that were collected of each kind
HELD_OUT_PER_KIND = 60
PIXELS = 24
FIELD_MM = 40.0
MATERIALS = np.array([[172.0, 176.0, 182.0], [190.0, 160.0, 92.0]])  # zinc, brass: RGB, 0 to 255
FLOOR = np.array([92.0, 96.0, 104.0])


def box(x, y, center, half):
    """Signed distance in mm to an upright rectangle."""
    return np.maximum(np.abs(x - center[0]) - half[0], np.abs(y - center[1]) - half[1])


def silhouette(kind, x, y):
    """Signed distance in mm to a part's outline, in the frame of the part."""
    radius = np.hypot(x, y)
    if kind == "washer":
        return np.maximum(radius - 9.0, 4.6 - radius)
    if kind == "hex_nut":
        hexagon = np.maximum.reduce([np.abs(x * np.cos(a) + y * np.sin(a)) for a in np.pi / 3 * np.arange(3)]) - 8.2
        return np.maximum(hexagon, 4.2 - radius)
    if kind == "bolt":
        return np.minimum(box(x, y, (-8.0, 0.0), (3.0, 6.0)), box(x, y, (2.0, 0.0), (9.0, 2.6)))
    if kind == "pin":
        return box(x, y, (0.0, 0.0), (11.0, 2.6))
    if kind.startswith("bracket"):
        side = 1.0 if kind.endswith("left") else -1.0
        return np.minimum(box(x, y, (0.0, -4.0 * side), (11.0, 2.4)), box(x, y, (-8.6, 1.0 * side), (2.4, 7.0)))
    side = 1.0 if kind.startswith("z") else -1.0
    arms = np.minimum(box(x, y, (-5.0, 7.0 * side), (5.0, 2.2)), box(x, y, (5.0, -7.0 * side), (5.0, 2.2)))
    return np.minimum(arms, box(x, y, (0.0, 0.0), (2.2, 9.0)))


def render(kind, rng):
    """One crop, height x width x RGB, 8 bits each."""
    axis = (np.arange(PIXELS) + 0.5) / PIXELS * FIELD_MM - FIELD_MM / 2
    column, row = np.meshgrid(axis, axis)
    light = rng.uniform(0.6, 1.1) * (1.0 + (rng.uniform(-0.3, 0.3) * column + rng.uniform(-0.3, 0.3) * row) / FIELD_MM)
    picture = np.broadcast_to(FLOOR, (PIXELS, PIXELS, 3)).copy()
    for name, spread, shade in ((rng.choice(KINDS), 16.0, 0.55), (rng.choice(KINDS), 16.0, 0.55), (kind, 3.0, 1.0)):
        angle, size = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.85, 1.15)
        dx, dy = column - rng.uniform(-spread, spread), row - rng.uniform(-spread, spread)
        u, v = np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx
        cover = 1.0 / (1.0 + np.exp(np.clip(silhouette(name, u / size, v / size) / 0.5, -30.0, 30.0)))
        color = shade * MATERIALS[rng.integers(2)] * rng.uniform(0.85, 1.1)
        picture += cover[..., None] * (color - picture)
    picture = picture * light[..., None] + rng.normal(0.0, 9.0, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def collect(counts, rng):
    """Crops and labels, kind after kind, as the folders on the disk are read."""
    images = np.stack([render(kind, rng) for kind, count in zip(KINDS, counts) for _ in range(count)])
    labels = np.repeat(np.arange(len(KINDS)), counts)
    return images, labels


class CropDataset(Dataset):
    """Crops as float tensors with zero mean and unit deviation in each channel."""

    def __init__(self, images, labels, mean, std, augment=False):
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0
        self.labels = torch.from_numpy(labels)
        self.mean, self.std = mean.view(3, 1, 1), std.view(3, 1, 1)
        self.augment = augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        image = (image - self.mean) / self.std
        if self.augment:
            image = torch.rot90(image, random.randrange(4), dims=(1, 2))
            image = torch.roll(image, (random.randint(-2, 2), random.randint(-2, 2)), dims=(1, 2))
            image = image * random.uniform(0.8, 1.2)
        return image, self.labels[index]


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return F.relu(y + self.shortcut(x))


class PartNet(nn.Module):
    """A ResNet for crops of 24 x 24 pixels."""

    def __init__(self, classes, widths=(16, 32, 64, 64), dropout=0.1):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.stages = nn.ModuleList(ResidualBlock(a, b, stride=2) for a, b in zip(widths, widths[1:]))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(self.dropout(x.mean(dim=(2, 3))))


@torch.no_grad()
def balanced_error(model, loader):
    """Percent of wrong answers, averaged over the kinds."""
    model.eval()
    right, seen = torch.zeros(len(KINDS)), torch.zeros(len(KINDS))
    for images, labels in loader:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answers = model(images).argmax(dim=1)
        right += torch.bincount(labels[answers == labels], minlength=len(KINDS))
        seen += torch.bincount(labels, minlength=len(KINDS))
    return 100.0 * (1.0 - (right / seen).mean().item())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--accumulate", type=int, default=2, help="batches to an optimizer step")
    parser.add_argument("--lr", type=float, default=0.15, help="peak of the one-cycle schedule")
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--clip", type=float, default=2.0)
    args = parser.parse_args()

    random.seed(args.seed)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    images, labels = collect(COUNTS, rng)
    held_images, held_labels = collect([HELD_OUT_PER_KIND] * len(KINDS), rng)
    pixels = torch.from_numpy(images).float().div(255.0)
    mean, std = pixels.mean(dim=(0, 1, 2)), pixels.std(dim=(0, 1, 2))

    train_set = CropDataset(images, labels, mean, std, augment=True)
    held_out = CropDataset(held_images, held_labels, mean, std)
    frequency = np.bincount(labels, minlength=len(KINDS))
    steps_per_epoch = len(train_set) // (args.batch_size * args.accumulate)
    crops_per_epoch = steps_per_epoch * args.accumulate * args.batch_size
    sampler = WeightedRandomSampler(1.0 / frequency[labels], num_samples=crops_per_epoch)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, sampler=sampler, drop_last=True)
    held_loader = DataLoader(held_out, batch_size=120)

    model = PartNet(len(KINDS))
    decay = [p for p in model.parameters() if p.ndim > 1]
    no_decay = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.SGD(
        [{"params": decay, "weight_decay": args.weight_decay}, {"params": no_decay, "weight_decay": 0.0}],
        lr=args.lr,
        momentum=0.9,
        nesterov=True,
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.epochs * steps_per_epoch, pct_start=0.25
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)

    print(f"untrained: {balanced_error(model, held_loader):.3f}")
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for index, (crops, targets) in enumerate(train_loader):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = criterion(model(crops), targets)
            (loss / args.accumulate).backward()
            total += loss.item()
            if (index + 1) % args.accumulate == 0:
                nn.utils.clip_grad_norm_(model.parameters(), args.clip)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
        error = balanced_error(model, held_loader)
        print(f"epoch {epoch + 1}: loss {total / len(train_loader):.3f}, held-out error {error:.1f} %")

    print(f"result: {balanced_error(model, held_loader):.3f}")


if __name__ == "__main__":
    main()

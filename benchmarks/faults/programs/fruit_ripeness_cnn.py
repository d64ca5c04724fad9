"""Grades peaches on a sorting belt: ripeness grade, diameter and position from one small camera image."""

import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

SIZE = 32  # pixels
MM_PER_PIXEL = 4.0
GRADES = ("unripe", "turning", "ripe", "overripe")
GRADE_LIMITS = (0.3, 0.55, 0.8)
TOLERANCE_MM = 5.0

SKIN_INDEX = np.array([0.0, 0.3, 0.55, 0.8, 1.0])
SKIN_RGB = np.array([[95, 150, 60], [175, 180, 70], [225, 165, 75], [205, 95, 60], [125, 65, 45]], dtype=float)


def photograph(n, rng):
    """Return images (n, 32, 32, 3) in uint8, grades (n,), and diameter, x and y in mm (n, 3)."""
    ripeness = rng.beta(2.2, 1.8, n)
    diameter = rng.normal(62.0, 8.0, n).clip(40.0, 85.0) + 4.0 * (ripeness - 0.5)
    x, y = rng.normal(0.0, 12.0, (2, n)).clip(-28.0, 28.0)

    axis = (np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2) * MM_PER_PIXEL
    dx = axis[None, None, :] - x[:, None, None]
    dy = axis[None, :, None] - y[:, None, None]
    aspect = rng.normal(1.0, 0.04, n)[:, None, None]
    r = np.hypot(dx * aspect, dy / aspect) / (diameter[:, None, None] / 2)
    inside = 1 / (1 + np.exp((r - 1.0) * 15))
    shade = 0.45 + 0.55 * np.sqrt(np.clip(1 - r**2, 0, 1))

    skin = np.stack([np.interp(ripeness, SKIN_INDEX, SKIN_RGB[:, c]) for c in range(3)], axis=1)
    skin = skin + rng.normal(0, 8, skin.shape)
    fruit = skin[:, None, None, :] * shade[..., None]
    blush = rng.random((n, SIZE // 4, SIZE // 4)).repeat(4, axis=1).repeat(4, axis=2)
    fruit[..., 1] *= 1 - 0.35 * blush * (0.4 + 0.6 * ripeness[:, None, None])
    bruise = (rng.random((n, SIZE, SIZE)) < 0.12 * np.clip(ripeness - 0.7, 0, 1)[:, None, None] * 3) * 0.5
    fruit *= 1 - bruise[..., None]

    ribs = 10 * np.sin(axis[None, :] / 6.0 + rng.uniform(0, 2 * np.pi, (n, 1)))
    belt = np.array([70.0, 80.0, 95.0]) + rng.normal(0, 12, (n, 1, 1, 3)) + ribs[:, None, :, None]
    image = inside[..., None] * fruit + (1 - inside[..., None]) * belt
    lamp = rng.normal(1.0, 0.08, (n, 1, 1, 1)) * rng.normal(1.0, 0.03, (n, 1, 1, 3))
    image = image * lamp + rng.normal(0, 7, image.shape)

    grade = np.digitize(ripeness + rng.normal(0, 0.015, n), GRADE_LIMITS)
    geometry = np.stack([diameter + rng.normal(0, 0.5, n), x, y], axis=1)
    return image.clip(0, 255).astype(np.uint8), grade.astype(np.int64), geometry.astype(np.float32)


class PeachDataset(Dataset):
    def __init__(self, images, grades, geometry, stats, augment=False, seed=0):
        self.images = images
        self.grades = grades
        self.geometry = geometry
        self.stats = stats
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index].astype(np.float32)
        geometry = self.geometry[index].copy()
        if self.augment:
            if self.rng.random() < 0.5:
                image = image[:, ::-1]
                geometry[1] = -geometry[1]
            image = image * np.float32(self.rng.uniform(0.9, 1.1))
            image = image + 3 * self.rng.standard_normal(image.shape, dtype=np.float32)
            image = image.clip(0, 255)
        image = (image / 255.0 - self.stats["pixel_mean"]) / self.stats["pixel_std"]
        target = (geometry - self.stats["target_mean"]) / self.stats["target_std"]
        image = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).permute(2, 0, 1)
        return image, self.grades[index], torch.from_numpy(target)


def block(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


class PeachNet(nn.Module):
    def __init__(self, width=8, hidden=64, dropout=0.1):
        super().__init__()
        self.features = nn.Sequential(block(3, width), block(width, 2 * width), block(2 * width, 4 * width))
        self.neck = nn.Sequential(nn.Flatten(), nn.Linear(4 * width * 4 * 4, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.grade_head = nn.Linear(hidden, len(GRADES))
        self.geometry_head = nn.Linear(hidden, 3)

    def forward(self, x):
        x = self.neck(self.features(x))
        return self.grade_head(x), self.geometry_head(x)


@torch.no_grad()
def evaluate(model, loader, stats):
    """Share of misgraded peaches plus the mean absolute error of the geometry in tolerances."""
    model.eval()
    mean, std = torch.from_numpy(stats["target_mean"]), torch.from_numpy(stats["target_std"])
    wrong, error_mm, count = 0, 0.0, 0
    for images, grades, targets in loader:
        logits, geometry = model(images)
        wrong += (logits.argmax(1) != grades).sum().item()
        error_mm += ((geometry * std + mean) - (targets * std + mean)).abs().mean(1).sum().item()
        count += len(images)
    return wrong / count + error_mm / count / TOLERANCE_MM


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-2)
    parser.add_argument("--geometry-weight", type=float, default=1.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    train_images, train_grades, train_geometry = photograph(1536, rng)
    val_images, val_grades, val_geometry = photograph(256, rng)
    test_images, test_grades, test_geometry = photograph(512, rng)
    stats = {
        "pixel_mean": (train_images / 255.0).mean(axis=(0, 1, 2)).astype(np.float32),
        "pixel_std": (train_images / 255.0).std(axis=(0, 1, 2)).astype(np.float32),
        "target_mean": train_geometry.mean(axis=0),
        "target_std": train_geometry.std(axis=0),
    }
    train_set = PeachDataset(train_images, train_grades, train_geometry, stats, augment=True, seed=args.seed)
    val_set = PeachDataset(val_images, val_grades, val_geometry, stats)
    test_set = PeachDataset(test_images, test_grades, test_geometry, stats)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=128)
    test_loader = DataLoader(test_set, batch_size=128)

    model = PeachNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.epochs * len(train_loader), pct_start=0.2
    )
    print(f"untrained: {evaluate(model, test_loader, stats):.5f}")

    best_score, best_state = float("inf"), None
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for images, grades, targets in train_loader:
            logits, geometry = model(images)
            grade_loss = F.cross_entropy(logits, grades)
            geometry_loss = F.smooth_l1_loss(geometry, targets)
            loss = grade_loss + args.geometry_weight * geometry_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            running += loss.item()
        score = evaluate(model, val_loader, stats)
        if score < best_score:
            best_score = score
            best_state = copy.deepcopy(model.state_dict())
        print(f"epoch {epoch} loss {running / len(train_loader):.4f} val {score:.4f}")

    model.load_state_dict(best_state)
    print(f"result: {evaluate(model, test_loader, stats):.5f}")


if __name__ == "__main__":
    main()

"""Locate gripper tips and box corners in overhead camera images with a small U-Net that predicts heatmaps."""

import argparse
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

CAMERA = np.array([768, 576])  # pixels; keypoints are annotated at this resolution
FOCAL, HEIGHT = 820.0, 900.0  # pixels; mm above the table
SHRINK = 12  # images are stored at 64 x 48
MM_PER_PIXEL = SHRINK * HEIGHT / FOCAL
STRIDE = 2  # heatmaps have half the resolution of the stored images
KEYPOINTS = ["tip_left", "tip_right", "front_left", "front_right", "back_right", "back_left"]
FLIP_ORDER = [1, 0, 3, 2, 5, 4]


def to_pixels(points_mm):
    return np.asarray(points_mm) * FOCAL / HEIGHT + CAMERA / 2


def paint(image, grid, centre, size, angle, colour):
    """Fill a rotated rectangle given in mm, with soft edges."""
    c, s = math.cos(angle), math.sin(angle)
    x, y = grid[0] - centre[0], grid[1] - centre[1]
    distance = np.maximum(np.abs(c * x + s * y) - size[0] / 2, np.abs(c * y - s * x) - size[1] / 2)
    cover = np.clip(0.5 - distance / MM_PER_PIXEL, 0, 1)
    image += cover * (np.reshape(colour, (3, 1, 1)) - image)


def record_clip(rng, frames):
    """One clip: same table, lamp and box; poses differ. Boxes are annotated by hand in every second frame."""
    w, h = CAMERA // SHRINK
    grid = np.stack(np.meshgrid(np.arange(w) + 0.5 - w / 2, np.arange(h) + 0.5 - h / 2)) * MM_PER_PIXEL
    table, box_colour, front_colour = rng.uniform(60, 150, 3), rng.uniform(40, 180, 3), rng.uniform(200, 240, 3)
    size = rng.uniform([110, 90], [190, 150])
    lamp = 1 + np.tensordot(rng.uniform(-1, 1, 2), grid, axes=1) / 1500
    images, points, visible = [], [], []
    for t in range(frames):
        image = np.broadcast_to(table[:, None, None], (3, h, w)).copy()
        for _ in range(3):
            clutter = rng.uniform([-400, -300], [400, 300])
            paint(image, grid, clutter, rng.uniform(20, 90, 2), rng.uniform(0, 3.14), rng.uniform(20, 250, 3))
        centre, yaw = rng.uniform([-280, -190], [280, 190]), rng.uniform(-1.2, 1.2)
        turn = np.array([[math.cos(yaw), math.sin(yaw)], [-math.sin(yaw), math.cos(yaw)]])
        paint(image, grid, centre, size, yaw, box_colour)
        paint(image, grid, centre + np.array([0, -0.35 * size[1]]) @ turn, size * [1, 0.3], yaw, front_colour)
        corners = centre + np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * size @ turn

        palm, tilt = rng.uniform([-300, -150], [300, 220]), rng.uniform(-1.0, 1.0)
        wrist = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
        opening, steel = rng.uniform(40, 110), rng.uniform(150, 190) * np.array([1.0, 1.0, 1.05])
        paint(image, grid, palm + np.array([0, 130]) @ wrist, (55, 180), tilt, steel * 0.35)
        paint(image, grid, palm + np.array([0, 25]) @ wrist, (150, 40), tilt, steel * 0.5)
        for side in (-1, 1):
            paint(image, grid, palm + np.array([side * opening / 2, -30]) @ wrist, (18, 80), tilt, steel)
        tips = palm + np.array([[-opening / 2, -70], [opening / 2, -70]]) @ wrist

        pixels = to_pixels(np.concatenate([tips, corners]))
        seen = ((pixels > 0) & (pixels < CAMERA)).all(axis=1)
        seen[2:] &= t % 2 == 0
        noisy = image * lamp + rng.normal(0, 6, image.shape)
        images.append(np.clip(noisy, 0, 255).astype(np.uint8).transpose(1, 2, 0))
        points.append(np.where(seen[:, None], pixels, 0.0))
        visible.append(seen)
    return np.stack(images), np.stack(points), np.stack(visible)


def record(rng, clips, frames=20):
    return [np.concatenate(part) for part in zip(*(record_clip(rng, frames) for _ in range(clips)))]


def render_heatmaps(cells, sigma=1.2):
    """Gaussians of height 1 around keypoints given in heatmap cells."""
    w, h = CAMERA // (SHRINK * STRIDE)
    x, y = np.arange(w) + 0.5, np.arange(h) + 0.5
    dx = x[None, None, :] - cells[:, 0, None, None]
    dy = y[None, :, None] - cells[:, 1, None, None]
    return np.exp(-(dx**2 + dy**2) / (2 * sigma**2)).astype(np.float32)


class KeypointDataset(Dataset):
    def __init__(self, images, points, visible, mean, std, augment=False):
        self.images, self.points, self.visible = images, points, visible
        self.mean, self.std = mean, std
        self.augment = augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index].astype(np.float32)
        points, visible = self.points[index].copy(), self.visible[index]
        if self.augment:
            if random.random() < 0.5:
                image = image[:, ::-1]
                points[:, 0] = CAMERA[0] - points[:, 0]
                points, visible = points[FLIP_ORDER], visible[FLIP_ORDER]
            image = np.clip(image * random.uniform(0.7, 1.3) + random.uniform(-30, 30), 0, 255)
        image = (image - self.mean) / self.std
        tensor = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))
        heatmaps = torch.from_numpy(render_heatmaps(points / (SHRINK * STRIDE)))
        return tensor, heatmaps, torch.from_numpy(points).float(), torch.from_numpy(visible)


class ConvBlock(nn.Sequential):
    def __init__(self, c_in, c_out, stride=1):
        super().__init__(
            nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),
        )


class HeatmapNet(nn.Module):
    def __init__(self, n_keypoints, width=12, dropout=0.1):
        super().__init__()
        self.stem = ConvBlock(3, width, stride=2)
        self.down = nn.ModuleList(ConvBlock(width * 2**i, width * 2 ** (i + 1), stride=2) for i in range(3))
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(ConvBlock(width * 3 * 2**i, width * 2**i) for i in reversed(range(3)))
        self.head = nn.Conv2d(width, n_keypoints, 1)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        nn.init.normal_(self.head.weight, std=0.1)
        nn.init.constant_(self.head.bias, -4.0)

    def forward(self, x):
        x = self.stem(x)
        skips = []
        for block in self.down:
            skips.append(x)
            x = block(x)
        x = self.dropout(x)
        for block in self.up:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([x, skips.pop()], dim=1))
        return self.head(x)


def heatmap_loss(logits, target, visible):
    per_keypoint = F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=(2, 3))
    return (per_keypoint * visible).sum() / visible.sum().clamp(min=1)


def decode(heatmaps):
    """Peak of each heatmap, refined by the centroid around it, in camera pixels."""
    b, k, h, w = heatmaps.shape
    peak = heatmaps.flatten(2).argmax(dim=2)
    px, py = peak % w, peak // w
    x, y = torch.arange(w), torch.arange(h)
    near = ((x - px[..., None]).abs() <= 2)[:, :, None, :] & ((y - py[..., None]).abs() <= 2)[..., None]
    weight = heatmaps * near
    total = weight.sum(dim=(2, 3)) + 1e-8
    cx = (weight.sum(dim=2) * (x + 0.5)).sum(dim=2) / total
    cy = (weight.sum(dim=3) * (y + 0.5)).sum(dim=2) / total
    return torch.stack([cx, cy], dim=-1) * SHRINK * STRIDE


@torch.no_grad()
def evaluate(model, loader):
    """Mean distance in camera pixels over annotated keypoints."""
    model.eval()
    errors = []
    for images, _, points, visible in loader:
        found = decode(torch.sigmoid(model(images)))
        errors.append((found - points).norm(dim=-1)[visible])
    return torch.cat(errors).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    train_frames, test_frames = record(rng, clips=64), record(rng, clips=10)
    mean, std = train_frames[0].mean(axis=(0, 1, 2)), train_frames[0].std(axis=(0, 1, 2))
    train_set = KeypointDataset(*train_frames, mean, std, augment=True)
    test_set = KeypointDataset(*test_frames, mean, std)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=64)

    model = HeatmapNet(len(KEYPOINTS))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.epochs * len(train_loader), pct_start=0.15
    )
    print(f"untrained: {evaluate(model, test_loader):.3f}")

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for images, heatmaps, _, visible in train_loader:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(images)
            loss = heatmap_loss(logits.float(), heatmaps, visible)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            scheduler.step()
            running += loss.item()
        print(f"epoch {epoch} loss {running / len(train_loader):.3f} test error {evaluate(model, test_loader):.1f} px")

    print(f"result: {evaluate(model, test_loader):.3f}")


if __name__ == "__main__":
    main()

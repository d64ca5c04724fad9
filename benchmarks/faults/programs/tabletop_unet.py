"""Semantic segmentation of objects on a table from rendered RGB-D frames, with a small U-Net."""

import argparse
import copy
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ("table", "block", "can", "bowl", "tool")
VOID = 255
SIZE = 32
HUES = np.array([[150, 120, 90], [190, 80, 60], [90, 150, 190], [180, 180, 150], [80, 90, 100]], dtype=np.float32)
GRID_Y, GRID_X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)


def place_object(rng, kind):
    """Footprint of an object and its height above the table in mm."""
    cx, cy = rng.uniform(6, SIZE - 6, 2)
    angle = rng.uniform(0, math.pi)
    u = (GRID_X - cx) * math.cos(angle) + (GRID_Y - cy) * math.sin(angle)
    v = -(GRID_X - cx) * math.sin(angle) + (GRID_Y - cy) * math.cos(angle)
    radius = np.hypot(u, v)
    if CLASSES[kind] == "block":
        return (np.abs(u) < rng.uniform(3, 5)) & (np.abs(v) < rng.uniform(3, 4)), rng.uniform(30, 60)
    if CLASSES[kind] == "can":
        return radius < rng.uniform(2.5, 4), rng.uniform(60, 110)
    if CLASSES[kind] == "bowl":
        outer = rng.uniform(4, 6.5)
        return radius < outer, 10 + rng.uniform(30, 50) * (radius / outer) ** 2
    return (np.abs(u) < rng.uniform(6, 9)) & (np.abs(v) < rng.uniform(0.9, 1.5)), rng.uniform(12, 22)


def render_frame(rng, kinds, table_rgb, light, camera_mm):
    """One frame: RGB (uint8), depth (uint16, mm, 0 where the sensor saw nothing) and the annotated mask."""
    rgb = table_rgb + 6 * np.sin(GRID_X * rng.uniform(0.2, 0.8))[..., None]
    depth = camera_mm + rng.uniform(-1, 1) * (GRID_X - SIZE / 2) + 2.0 * (SIZE / 2 - GRID_Y)
    mask = np.zeros((SIZE, SIZE), dtype=np.uint8)
    paper, _ = place_object(rng, 1)
    rgb[paper] = rng.uniform(60, 220, 3)
    for kind in rng.choice(np.arange(1, 5), size=rng.integers(1, 4), p=kinds):
        inside, height = place_object(rng, kind)
        rgb[inside] = HUES[kind] + rng.normal(0, 35, 3)
        depth = np.where(inside, camera_mm - height, depth)
        mask[inside] = kind
    border = np.diff(mask, axis=0, prepend=mask[:1]) != 0
    mask[border & (rng.random(mask.shape) < 0.5)] = VOID
    shade = 1 + light * (GRID_X - SIZE / 2)[..., None] / SIZE
    rgb, depth = rgb * shade + rng.normal(0, 10, rgb.shape), depth + rng.normal(0, 5, depth.shape)
    depth[rng.random(depth.shape) < 0.03] = 0
    return rgb.clip(0, 255).astype(np.uint8), depth.astype(np.uint16), mask


def record(rng, sessions, frames_per_session):
    """Sessions at the robot: table, light and camera stay, one kind of object is the session's main one."""
    frames = []
    for session in range(sessions):
        kinds = np.full(4, 0.12)
        kinds[session * 4 // sessions] = 0.64
        table_rgb = np.array([150, 125, 100]) + rng.normal(0, 25, 3)
        light, camera_mm = rng.uniform(-0.5, 0.5), rng.uniform(820, 980)
        for _ in range(frames_per_session):
            frames.append(render_frame(rng, kinds, table_rgb, light, camera_mm))
    return [np.stack(column) for column in zip(*frames)]


class TabletopFrames(Dataset):
    def __init__(self, rgb, depth, masks, stats, augment=False):
        self.rgb, self.depth, self.masks = rgb, depth, masks
        self.mean, self.std = stats
        self.augment = augment

    def __len__(self):
        return len(self.rgb)

    def __getitem__(self, index):
        rgb, depth, mask = self.rgb[index], self.depth[index], self.masks[index]
        if self.augment:
            rgb = np.clip(rgb * random.uniform(0.8, 1.2), 0, 255)
        image = np.dstack([rgb, depth])
        image = (image - self.mean) / self.std
        image[depth == 0, 3] = 0.0
        image = torch.from_numpy(image).float().permute(2, 0, 1)
        mask = torch.from_numpy(mask).long()
        if self.augment and random.random() < 0.5:
            image, mask = image.flip(-1), mask.flip(-1)
        return image, mask


def channel_stats(rgb, depth):
    axes, seen = (0, 1, 2), depth[depth > 0]
    return np.append(rgb.mean(axes), seen.mean()), np.append(rgb.std(axes), seen.std())


def conv_norm_act(c_in, c_out):
    return [nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]


class ConvBlock(nn.Sequential):
    def __init__(self, c_in, c_out):
        super().__init__(*conv_norm_act(c_in, c_out), *conv_norm_act(c_out, c_out))


class UNet(nn.Module):
    def __init__(self, c_in=4, classes=len(CLASSES), widths=(10, 20, 40), dropout=0.1):
        super().__init__()
        self.down = nn.ModuleList(ConvBlock(a, b) for a, b in zip((c_in, *widths[:-1]), widths))
        self.up = nn.ModuleList(ConvBlock(a + b, b) for a, b in zip(widths[:0:-1], widths[-2::-1]))
        self.drop = nn.Dropout2d(dropout)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        x = self.drop(skips.pop())
        for block in self.up:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([x, skips.pop()], dim=1))
        return self.head(x)


def segmentation_loss(logits, mask, class_weights):
    """Weighted cross entropy plus soft Dice over the annotated pixels."""
    valid = mask.reshape(-1) != VOID
    logits = logits.permute(0, 2, 3, 1).reshape(-1, len(CLASSES))[valid]
    labels = mask.reshape(-1)[valid]
    prob, onehot = logits.softmax(dim=1), F.one_hot(labels, len(CLASSES)).float()
    dice = (2 * (prob * onehot).sum(0) + 1) / (prob.sum(0) + onehot.sum(0) + 1)
    return F.cross_entropy(logits, labels, weight=class_weights) + 1 - dice.mean()


class ModelEma:
    def __init__(self, model, decay=0.97):
        self.module = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for averaged, current in zip(self.module.parameters(), model.parameters()):
            averaged.lerp_(current, 1 - self.decay)
        for averaged, current in zip(self.module.buffers(), model.buffers()):
            averaged.copy_(current)


@torch.no_grad()
def mean_iou(model, loader):
    """Mean intersection over union, in percent, of the annotated pixels."""
    model.eval()
    confusion = torch.zeros(len(CLASSES), len(CLASSES))
    for image, mask in loader:
        guess = model(image).argmax(dim=1)
        valid = mask != VOID
        pairs = mask[valid] * len(CLASSES) + guess[valid]
        confusion += torch.bincount(pairs, minlength=len(CLASSES) ** 2).view(len(CLASSES), -1)
    hit = confusion.diag()
    return 100 * (hit / (confusion.sum(0) + confusion.sum(1) - hit).clamp(min=1)).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=12)
    parser.add_argument("--lr", type=float, default=8e-3)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    rng = np.random.default_rng(args.seed)
    rgb, depth, masks = record(rng, sessions=24, frames_per_session=15)
    stats = channel_stats(rgb, depth)
    train_set = TabletopFrames(rgb, depth, masks, stats, augment=True)
    test_set = TabletopFrames(*record(rng, sessions=12, frames_per_session=10), stats)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=60)

    frequency = np.bincount(masks[masks != VOID], minlength=len(CLASSES)) / (masks != VOID).sum()
    class_weights = torch.from_numpy(frequency).float().pow(-0.5)

    model = UNet()
    ema = ModelEma(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    total_steps, warmup = args.epochs * len(train_loader), 20
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, 0.5 * (1 + math.cos(math.pi * step / total_steps)))
    )
    print(f"untrained: {100 - mean_iou(model, test_loader):.3f}")

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for image, mask in train_loader:
            loss = segmentation_loss(model(image), mask, class_weights)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            ema.update(model)
            running += loss.item()
        print(f"epoch {epoch:2d} loss {running / len(train_loader):.3f} mIoU {mean_iou(model, test_loader):.1f}")

    print(f"result: {100 - mean_iou(ema.module, test_loader):.3f}")


if __name__ == "__main__":
    main()

"""Classify weld seams on digital radiographs (12-bit detector counts) into sound seams and five kinds of defect."""

import argparse
import math
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ["sound", "porosity", "crack", "lack_of_penetration", "undercut_upper", "undercut_lower"]
TRAIN_COUNTS = [800, 240, 140, 110, 80, 80]
TEST_COUNTS = [60] * len(CLASSES)
MIRRORED = {4: 5, 5: 4}  # upside down, the upper toe is the lower one
HEIGHT, WIDTH = 24, 32
ATTENUATION = 0.075  # 1/mm, steel


def render_seam(name, rng):
    """One radiograph: the thickness of steel in mm, seen through Beer-Lambert, with photon noise."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    centre = 11.5 + rng.uniform(-2.5, 2.5) + rng.uniform(-0.06, 0.06) * (x - WIDTH / 2)
    half_width = rng.uniform(5.0, 7.0)
    across = (y - centre) / half_width
    bead = rng.uniform(1.5, 3.0) * np.clip(1 - across**2, 0, None)
    ripples = 0.25 * np.sin(x * rng.uniform(0.9, 1.4) + 2 * across**2 + rng.uniform(0, 6)) * (np.abs(across) < 1)
    steel = 8.0 + bead + ripples
    depth = rng.uniform(0.6, 1.3)
    if name == "porosity":
        for _ in range(rng.integers(2, 6)):
            pore_x, pore_y = rng.uniform(2, WIDTH - 2), rng.uniform(-0.6, 0.6)
            radius = rng.uniform(0.8, 1.5)
            distance = (x - pore_x) ** 2 + (half_width * (across - pore_y)) ** 2
            steel -= 1.6 * depth * np.exp(-distance / (2 * radius**2))
    elif name == "crack":
        path = np.cumsum(rng.normal(0, 0.8, WIDTH))
        offset = half_width * across - (path - path.mean())[None, :] - rng.uniform(-2, 2)
        start = rng.uniform(0, WIDTH / 2)
        extent = (x >= start) & (x <= start + rng.uniform(10, 18))
        steel -= 1.6 * depth * extent * np.exp(-((offset / 0.8) ** 2))
    elif name == "lack_of_penetration":
        steel -= 0.9 * depth * np.exp(-((half_width * across / 1.0) ** 2))
    elif name.startswith("undercut"):
        toe = -1.0 if name.endswith("upper") else 1.0
        middle, length = rng.uniform(8, WIDTH - 8), rng.uniform(8, 14)
        steel -= 1.0 * depth * np.exp(-((half_width * (across - toe) / 1.2) ** 2) - ((x - middle) / length) ** 4)
    counts = 160 + rng.uniform(3300, 4300) * np.exp(-ATTENUATION * steel)
    counts += rng.normal(0, 1.1, counts.shape) * np.sqrt(counts)
    return np.clip(counts, 0, 4095).astype(np.uint16)


def render_split(counts, rng):
    images, labels = [], []
    for label, (name, count) in enumerate(zip(CLASSES, counts)):
        images += [render_seam(name, rng) for _ in range(count)]
        labels += [label] * count
    return np.stack(images), np.array(labels)


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, image, label):
        for transform in self.transforms:
            image, label = transform(image, label)
        return image, label


class RandomHorizontalFlip:
    def __call__(self, image, label):
        if random.random() < 0.5:
            image = image[:, ::-1]
        return image, label


class RandomVerticalFlip:
    def __call__(self, image, label):
        if random.random() < 0.5:
            image = image[::-1]
            label = MIRRORED.get(label, label)
        return image, label


class RandomShift:
    def __init__(self, pixels):
        self.pixels = pixels

    def __call__(self, image, label):
        padded = np.pad(image, self.pixels, mode="edge")
        top, left = random.randint(0, 2 * self.pixels), random.randint(0, 2 * self.pixels)
        return padded[top : top + HEIGHT, left : left + WIDTH], label


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, image, label):
        return (image.astype(np.float32) - self.mean) / self.std, label


class WeldDataset(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, label = self.transform(self.images[index], int(self.labels[index]))
        return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None], label


def conv_block(channels_in, channels_out, kernel=3):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


class WeldNet(nn.Module):
    def __init__(self, num_classes, width=12, dropout=0.1):
        super().__init__()
        self.features = nn.Sequential(
            conv_block(1, width, kernel=5), conv_block(width, 2 * width), conv_block(2 * width, 4 * width)
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(8 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x):
        x = self.features(x)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        return self.classifier(self.dropout(pooled))


def balanced_error(model, loader):
    """Mean over the classes of the share of misclassified seams, in percent."""
    model.eval()
    hits, totals = torch.zeros(len(CLASSES)), torch.zeros(len(CLASSES))
    with torch.no_grad():
        for images, labels in loader:
            correct = (model(images).argmax(dim=1) == labels).float()
            hits += torch.bincount(labels, weights=correct, minlength=len(CLASSES))
            totals += torch.bincount(labels, minlength=len(CLASSES))
    return 100 * (1 - (hits / totals).mean().item())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--label-smoothing", type=float, default=0.1)
    parser.add_argument("--amp", action="store_true", help="bfloat16 autocast")
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    train_images, train_labels = render_split(TRAIN_COUNTS, rng)
    test_images, test_labels = render_split(TEST_COUNTS, rng)
    normalize = Normalize(train_images.mean(), train_images.std())
    augment = Compose([RandomHorizontalFlip(), RandomVerticalFlip(), RandomShift(2), normalize])
    train_set = WeldDataset(train_images, train_labels, augment)
    test_set = WeldDataset(test_images, test_labels, Compose([normalize]))
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=180)

    model = WeldNet(len(CLASSES))
    frequency = torch.bincount(torch.from_numpy(train_labels)).float()
    class_weights = (frequency.mean() / frequency).sqrt()
    criterion = nn.CrossEntropyLoss(weight=class_weights, label_smoothing=args.label_smoothing)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": args.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=args.lr,
        betas=(0.9, 0.99),
    )
    total_steps = args.epochs * len(train_loader)
    warmup_steps = len(train_loader)

    def lr_factor(step):
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = min(1.0, (step - warmup_steps) / (total_steps - warmup_steps))
        return 0.5 * (1 + math.cos(math.pi * progress))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_factor)

    print(f"untrained: {balanced_error(model, test_loader):.3f}")
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.amp):
                loss = criterion(model(images), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=2.0)
            optimizer.step()
            scheduler.step()
            running += loss.item()
        print(f"epoch {epoch + 1:2d}  lr {scheduler.get_last_lr()[0]:.5f}  loss {running / len(train_loader):.4f}")
    print(f"result: {balanced_error(model, test_loader):.3f}")


if __name__ == "__main__":
    main()

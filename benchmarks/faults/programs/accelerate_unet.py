"""Semantic segmentation: a small U-Net finds shapes in noisy pictures; dice and cross-entropy, with accelerate."""

import argparse

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ["background", "disc", "square", "cross"]
MEAN, STD = torch.tensor([0.45, 0.42, 0.40]), torch.tensor([0.22, 0.20, 0.21])


def draw(n, size=32):
    """Pictures and masks as they come from files: bytes, and a mask's byte is the number of the class."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    images, masks = torch.empty(n, 3, size, size), torch.zeros(n, size, size, dtype=torch.uint8)
    for image, mask in zip(images, masks):
        shade = torch.rand(3, 1, 1) * 80 + 60 + (x * (torch.rand(1) - 0.5) + y * (torch.rand(1) - 0.5)) * 2
        image.copy_(shade)
        for kind in torch.randint(1, 4, (3,)).tolist():
            cx, cy, r = (torch.rand(3) * torch.tensor([24.0, 24.0, 3.0]) + torch.tensor([4.0, 4.0, 3.0])).tolist()
            dx, dy = (x - cx).abs(), (y - cy).abs()
            shape = [dx**2 + dy**2 < r**2, torch.maximum(dx, dy) < r, (torch.minimum(dx, dy) < 1.5) & (dx + dy < r + 1)]
            mask[shape[kind - 1]] = kind
            image[:, shape[kind - 1]] = torch.rand(3, 1) * 90 + 130
        image.add_(torch.randn(3, size, size) * 12)
    return images.clamp(0, 255).to(torch.uint8), masks


class ShapesDataset(Dataset):
    def __init__(self, n, augment):
        self.images, self.masks = draw(n)
        self.augment = augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index].float() / 255
        mask = self.masks[index].long()
        image = (image - MEAN[:, None, None]) / STD[:, None, None]
        if self.augment and torch.rand(()) < 0.5:
            image = image.flip(-1)
            mask = mask.flip(-1)
        return image, mask


class DoubleConv(nn.Sequential):
    def __init__(self, channels_in, channels_out):
        layers = []
        for c in (channels_in, channels_out):
            layers += [nn.Conv2d(c, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()]
        super().__init__(*layers)


class UNet(nn.Module):
    def __init__(self, classes, width=12):
        super().__init__()
        self.down1, self.down2 = DoubleConv(3, width), DoubleConv(width, 2 * width)
        self.middle = DoubleConv(2 * width, 4 * width)
        self.up2, self.up1 = DoubleConv(6 * width, 2 * width), DoubleConv(3 * width, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        skip1 = self.down1(x)
        skip2 = self.down2(F.max_pool2d(skip1, 2))
        x = self.middle(F.max_pool2d(skip2, 2))
        x = self.up2(torch.cat([F.interpolate(x, scale_factor=2.0), skip2], dim=1))
        x = self.up1(torch.cat([F.interpolate(x, scale_factor=2.0), skip1], dim=1))
        return self.head(x)


def dice_score(logits, masks, smooth=1.0):
    probabilities = logits.softmax(dim=1)
    target = F.one_hot(masks, logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)
    overlap = (probabilities * target).sum(dim=(2, 3))
    return (2 * overlap + smooth) / (probabilities.sum(dim=(2, 3)) + target.sum(dim=(2, 3)) + smooth)


def segmentation_loss(logits, masks):
    cross_entropy = F.cross_entropy(logits, masks)
    dice = 1 - dice_score(logits, masks).mean()
    return cross_entropy + dice


@torch.no_grad()
def mean_iou(model, loader):
    model.eval()
    counts = torch.zeros(len(CLASSES), len(CLASSES))
    for images, masks in loader:
        pairs = masks * len(CLASSES) + model(images).argmax(1)
        counts += pairs.flatten().bincount(minlength=len(CLASSES) ** 2).view(len(CLASSES), -1)
    hits = counts.diagonal()
    return (hits / (counts.sum(0) + counts.sum(1) - hits).clamp(min=1)).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch_size", type=int, default=16)
    args = parser.parse_args()
    set_seed(args.seed)

    accelerator = Accelerator(cpu=True)
    train_loader = DataLoader(ShapesDataset(384, augment=True), batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(ShapesDataset(64, augment=False), batch_size=32)
    model = UNet(len(CLASSES))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    model, optimizer, train_loader, val_loader = accelerator.prepare(model, optimizer, train_loader, val_loader)
    accelerator.print(f"before training: mean IoU {mean_iou(model, val_loader):.3f}")
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for images, masks in train_loader:
            logits = model(images)
            loss = segmentation_loss(logits, masks)
            if not torch.isfinite(loss):
                accelerator.print(f"warning: loss is {loss.item()} in epoch {epoch}")
            optimizer.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
        accelerator.print(f"epoch {epoch}: {total / len(train_loader):.4f}, mean IoU {mean_iou(model, val_loader):.3f}")


if __name__ == "__main__":
    main()

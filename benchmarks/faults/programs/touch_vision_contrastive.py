"""Contrastive touch-vision pre-training: match fingertip strokes with patches of the stroked surface."""

import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset

RATE_HZ, STROKE_LEN, CLIP_LEN = 400.0, 128, 112
MM_PER_PX, PATCH_PX, CROP_PX = 0.5, 28, 24
# colour (0..255), friction coefficient, cooling of the fingertip (deg C)
MATERIALS = [
    ((188, 190, 196), 0.25, 6.5),  # aluminium
    ((172, 126, 82), 0.45, 1.5),  # oak
    ((66, 68, 72), 0.95, 1.0),  # rubber
    ((214, 206, 190), 0.35, 4.5),  # ceramic
    ((96, 120, 170), 0.55, 0.6),  # denim
    ((188, 74, 62), 0.30, 2.4),  # ABS plastic
]


def record_surfaces(rng, count):
    """Stroke and photograph `count` ridged samples, one material per recording session.

    Strokes (count, time, 5): normal force, shear along and across (N), acceleration (m/s^2), skin temperature (deg C).
    """
    material = np.sort(rng.integers(len(MATERIALS), size=count))
    colour, friction, cooling = (np.array(column, dtype=float)[material] for column in zip(*MATERIALS))
    colour += rng.normal(0, 14, colour.shape)
    friction, cooling = (values[:, None] * rng.normal(1, 0.06, (count, 1)) for values in (friction, cooling))
    period_mm = np.exp(rng.uniform(math.log(1.4), math.log(6.0), (count, 1)))
    angle = rng.uniform(-1.1, 1.1, (count, 1))
    depth = rng.uniform(0.15, 1.0, (count, 1))
    grain = rng.uniform(0.0, 1.0, (count, 1))

    t = np.arange(STROKE_LEN) / RATE_HZ
    speed = rng.normal(70.0, 2.0, (count, 1))  # mm/s
    ridges_hz = speed * np.cos(angle) / period_mm
    wave = np.sin(2 * np.pi * (ridges_hz * t + rng.uniform(0, 1, (count, 1))))
    rough = rng.normal(0, 1, (count, STROKE_LEN)) * grain
    press = rng.normal(1.6, 0.2, (count, 1)) + 0.1 * np.sin(2 * np.pi * 3 * t + rng.uniform(0, 6.28, (count, 1)))
    normal = press + 0.12 * depth * wave
    along = friction * press + 0.10 * depth * wave + 0.05 * rough
    across = 0.25 * depth * np.sin(2 * angle) * (1 + 0.3 * wave)
    accel = 9.81 + 2.5 * depth * wave + 1.2 * rough
    skin = rng.normal(31.5, 0.4, (count, 1)) - cooling * (1 - np.exp(-t / 0.15))
    strokes = np.stack([normal, along, across, accel, skin], axis=-1)
    strokes += rng.normal(0, 1, strokes.shape) * np.array([0.03, 0.03, 0.03, 0.3, 0.05])

    axis = np.arange(PATCH_PX) * MM_PER_PX
    across_ridges = axis * np.cos(angle)[..., None] + axis[:, None] * np.sin(angle)[..., None]
    relief = np.sin(2 * np.pi * (across_ridges / period_mm[..., None] + rng.uniform(0, 1, (count, 1, 1))))
    shade = 1 + 0.35 * depth[..., None] * relief
    shade += 0.14 * grain[..., None] * rng.normal(0, 1, relief.shape)
    shade *= rng.uniform(0.85, 1.15, (count, 1, 1))
    patches = colour[:, None, None] * shade[..., None] + rng.normal(0, 3, (*relief.shape, 3))
    return strokes.astype(np.float32), patches.clip(0, 255).astype(np.uint8)


class TouchVisionPairs(Dataset):
    def __init__(self, strokes, patches, stats, augment=False):
        self.strokes, self.patches = strokes, patches
        self.stats, self.augment = stats, augment

    def __len__(self):
        return len(self.strokes)

    def __getitem__(self, index):
        start, gain = (STROKE_LEN - CLIP_LEN) // 2, 1.0
        top = left = (PATCH_PX - CROP_PX) // 2
        if self.augment:
            start = np.random.randint(STROKE_LEN - CLIP_LEN + 1)
            top, left = np.random.randint(PATCH_PX - CROP_PX + 1, size=2)
            gain = np.random.uniform(0.9, 1.1)
        clip = self.strokes[index][start : start + CLIP_LEN]
        clip = (clip - self.stats["stroke_mean"]) / self.stats["stroke_std"]
        patch = self.patches[index][top : top + CROP_PX, left : left + CROP_PX]
        patch = patch.astype(np.float32) * gain
        patch = (patch - self.stats["patch_mean"]) / self.stats["patch_std"]
        return torch.from_numpy(clip).float(), torch.from_numpy(patch).permute(2, 0, 1).float()


class TouchEncoder(nn.Module):
    def __init__(self, channels, width, embed_dim, dropout):
        super().__init__()
        first = nn.Conv1d(channels, width, 8, stride=4, padding=2)
        second = nn.Conv1d(width, width, 4, stride=2, padding=1)
        self.stem = nn.Sequential(first, nn.GELU(), second, nn.GELU())
        self.position = nn.Parameter(torch.randn(1, CLIP_LEN // 8, width) * 0.02)
        self.block = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout, batch_first=True, norm_first=True)
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, embed_dim)

    def forward(self, clip):
        tokens = self.stem(clip.transpose(1, 2)).transpose(1, 2)
        tokens = self.block(tokens + self.position)
        return self.project(self.norm(tokens.mean(dim=1)))


def conv_block(inputs, outputs):
    conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class PatchEncoder(nn.Module):
    def __init__(self, width, embed_dim, dropout):
        super().__init__()
        widths = (3, width, 2 * width, 4 * width)
        self.features = nn.Sequential(*map(conv_block, widths[:-1], widths[1:]), nn.Flatten())
        self.hidden = nn.Linear(widths[-1] * (CROP_PX // 8) ** 2, 128)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(128, embed_dim)

    def forward(self, patch):
        return self.project(self.dropout(F.relu(self.hidden(self.features(patch)))))


class TouchVisionModel(nn.Module):
    def __init__(self, embed_dim=48, dropout=0.1):
        super().__init__()
        self.touch = TouchEncoder(5, 64, embed_dim, dropout)
        self.vision = PatchEncoder(16, embed_dim, dropout)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        for tower in (self.touch, self.vision):
            nn.init.trunc_normal_(tower.project.weight, std=0.05)
            nn.init.zeros_(tower.project.bias)

    def forward(self, clip, patch):
        touch = F.normalize(self.touch(clip), dim=-1)
        vision = F.normalize(self.vision(patch), dim=-1)
        return touch, vision, self.log_scale.clamp(max=math.log(100)).exp()


def info_nce(touch, vision, scale):
    logits = scale * touch @ vision.T
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


@torch.no_grad()
def retrieval_miss(accelerator, model, loader, k=5):
    """Percentage of held-out queries, both ways, whose partner is not among the k nearest of the gallery."""
    model.eval()
    touches, visions = [], []
    for clip, patch in loader:
        touch, vision, _ = model(clip, patch)
        touches.append(accelerator.gather_for_metrics(touch))
        visions.append(accelerator.gather_for_metrics(vision))
    similarity = torch.cat(touches) @ torch.cat(visions).T
    truth = torch.arange(len(similarity), device=similarity.device)[:, None]
    hits = [(s.topk(k, dim=1).indices == truth).any(dim=1).float().mean() for s in (similarity, similarity.T)]
    return 100 * (1 - (hits[0] + hits[1]).item() / 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=3500)
    parser.add_argument("--held-out", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=11)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    args = parser.parse_args()

    set_seed(args.seed)
    accelerator = Accelerator(cpu=True)
    rng = np.random.default_rng(args.seed)
    strokes, patches = record_surfaces(rng, args.pairs)
    held_out = np.zeros(len(strokes), dtype=bool)
    held_out[rng.choice(len(strokes), args.held_out, replace=False)] = True
    stats = {
        "stroke_mean": strokes[~held_out].mean(axis=(0, 1)),
        "stroke_std": strokes[~held_out].std(axis=(0, 1)),
        "patch_mean": patches[~held_out].mean(axis=(0, 1, 2)),
        "patch_std": patches[~held_out].std(axis=(0, 1, 2)),
    }
    train_set = TouchVisionPairs(strokes[~held_out], patches[~held_out], stats, augment=True)
    test_set = TouchVisionPairs(strokes[held_out], patches[held_out], stats)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=250)

    model = TouchVisionModel()
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": args.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.lr)
    total_steps = args.epochs * len(train_loader)

    def warmup_cosine(step):
        return min((step + 1) / 30, 0.5 * (1 + math.cos(math.pi * min(1.0, step / total_steps))))

    scheduler = LambdaLR(optimizer, warmup_cosine)
    model, optimizer, train_loader, test_loader, scheduler = accelerator.prepare(
        model, optimizer, train_loader, test_loader, scheduler
    )

    accelerator.print(f"untrained: {retrieval_miss(accelerator, model, test_loader):.3f}")
    for epoch in range(args.epochs):
        model.train()
        for clip, patch in train_loader:
            optimizer.zero_grad()
            loss = info_nce(*model(clip, patch))
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        accelerator.print(f"epoch {epoch + 1:2d}  loss {loss.item():.3f}")
    accelerator.print(f"result: {retrieval_miss(accelerator, model, test_loader):.3f}")


if __name__ == "__main__":
    main()

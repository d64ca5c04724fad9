"""Contrastive image-text pre-training on small tabletop scenes, judged by retrieval of unseen ones."""

import argparse
import copy
import itertools
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIDE = 24
CONTEXT = 18
COLOURS = {
    "red": (200, 40, 45), "green": (50, 160, 60), "blue": (45, 70, 190),
    "yellow": (215, 195, 50), "purple": (140, 60, 160), "white": (225, 225, 220),
}  # fmt: skip
SHAPES = ("disc", "block", "wedge", "ring")
RADII = {"small": 2.6, "large": 4.4}
PLACES = {"top left": (6, 6), "top right": (6, 17), "bottom left": (17, 6), "bottom right": (17, 17)}
OPENINGS = ("", "a photo of ", "there is ")
WORDS = sorted(set(" ".join([*COLOURS, *SHAPES, *RADII, *PLACES, *OPENINGS, "a and"]).split()))
VOCAB = {word: i for i, word in enumerate(["<pad>", "<start>", *WORDS, "<end>"])}


def outline(shape, centre, radius):
    """Boolean mask of the pixels an object covers."""
    y, x = np.mgrid[:SIDE, :SIDE] - centre[:, None, None]
    if shape == "disc":
        return np.hypot(x, y) <= radius
    if shape == "ring":
        return abs(np.hypot(x, y) - 0.8 * radius) <= 0.2 * radius
    if shape == "block":
        return np.maximum(abs(x), abs(y)) <= 0.85 * radius
    return (y <= 0.8 * radius) & (abs(x) <= 0.5 * (y + radius))


def photograph(objects, rng):
    """An 8-bit RGB frame (H, W, 3) of the objects on a grey table, under varying light."""
    frame = np.full((SIDE, SIDE, 3), rng.uniform(70, 120))
    for colour, shape, size, place in objects:
        frame[outline(shape, PLACES[place] + rng.uniform(-1.2, 1.2, 2), RADII[size])] = COLOURS[colour]
    frame = frame * rng.uniform(0.75, 1.1) + rng.normal(0, 8, frame.shape)
    return frame.clip(0, 255).astype(np.uint8)


def describe(objects, rng):
    phrases = [f"a {size} {colour} {shape} {place}" for colour, shape, size, place in objects]
    return rng.choice(OPENINGS) + " and ".join(rng.permutation(phrases))


def tokenize(captions):
    tokens = torch.full((len(captions), CONTEXT), VOCAB["<pad>"])
    for row, caption in zip(tokens, captions):
        ids = [VOCAB["<start>"], *(VOCAB[word] for word in caption.split()), VOCAB["<end>"]]
        row[: len(ids)] = torch.tensor(ids)
    return tokens


def make_scenes(per_kind, rng):
    """`per_kind` scenes for each colour and shape of the main object, with a second object elsewhere."""
    frames, captions = [], []
    for colour, shape in itertools.product(COLOURS, SHAPES):
        for _ in range(per_kind):
            here, there = rng.permutation(list(PLACES))[:2]
            main = (colour, shape, rng.choice(list(RADII)), here)
            other = (rng.choice(list(COLOURS)), rng.choice(SHAPES), rng.choice(list(RADII)), there)
            frames.append(photograph((main, other), rng))
            captions.append(describe((main, other), rng))
    return np.stack(frames), tokenize(captions)


def to_tensor(frames, mean, std):
    """8-bit frames (N, H, W, 3) to standardized images (N, 3, H, W)."""
    frames = (frames.astype(np.float32) - mean) / std
    return torch.from_numpy(frames).float().permute(0, 3, 1, 2).contiguous()


def augment(images, pad=1):
    """Shift the batch by up to `pad` pixels and vary the contrast of each image."""
    dy, dx = random.randint(0, 2 * pad), random.randint(0, 2 * pad)
    images = F.pad(images, (pad,) * 4, mode="replicate")[..., dy : dy + SIDE, dx : dx + SIDE]
    return images * torch.empty(len(images), 1, 1, 1).uniform_(0.9, 1.1)


class ResidualBlock(nn.Module):
    """Pre-activation residual block that halves the resolution."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(c_in), nn.BatchNorm2d(c_out)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.skip = nn.Conv2d(c_in, c_out, 1, stride=2, bias=False)

    def forward(self, x):
        h = self.conv1(F.relu(self.norm1(x)))
        return self.skip(x) + self.conv2(F.relu(self.norm2(h)))


class ImageTower(nn.Module):
    def __init__(self, dim, width=16):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(ResidualBlock(width, 2 * width), ResidualBlock(2 * width, 4 * width))
        features = 4 * width * (SIDE // 8) ** 2
        self.proj = nn.Sequential(nn.LayerNorm(features), nn.Linear(features, dim, bias=False))

    def forward(self, images):
        return self.proj(self.blocks(self.stem(images)).flatten(1))


class TextTower(nn.Module):
    def __init__(self, dim, width=48, heads=4, layers=2, dropout=0.0):
        super().__init__()
        self.token = nn.Embedding(len(VOCAB), width)
        self.position = nn.Parameter(0.05 * torch.randn(CONTEXT, width))
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.proj = nn.Linear(width, dim, bias=False)
        self.register_buffer("causal", nn.Transformer.generate_square_subsequent_mask(CONTEXT))
        nn.init.normal_(self.token.weight, std=0.1)

    def forward(self, tokens):
        h = self.encoder(self.token(tokens) + self.position, mask=self.causal, is_causal=True)
        end = tokens.argmax(dim=-1)  # <end> has the highest id
        return self.proj(h[torch.arange(len(h)), end])


class SceneCLIP(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.image_tower = ImageTower(dim)
        self.text_tower = TextTower(dim)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def encode_image(self, images):
        return F.normalize(self.image_tower(images), dim=-1)

    def encode_text(self, tokens):
        return F.normalize(self.text_tower(tokens), dim=-1)

    def forward(self, images, tokens):
        return self.logit_scale.exp() * self.encode_image(images) @ self.encode_text(tokens).T


def contrastive_loss(logits):
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


@torch.no_grad()
def retrieval_error(model, images, tokens):
    """Percentage of queries whose counterpart is not ranked first, over both directions."""
    model.eval()
    similarity = model.encode_image(images) @ model.encode_text(tokens).T
    own = similarity.diagonal()
    misses = [(similarity < own.unsqueeze(dim)).sum(dim) < len(own) - 1 for dim in (0, 1)]
    return 100 * torch.cat(misses).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--warmup", type=int, default=20, help="in steps")
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    train_frames, train_tokens = make_scenes(80, rng)
    val_frames, val_tokens = make_scenes(8, rng)
    test_frames, test_tokens = make_scenes(12, rng)
    mean, std = train_frames.mean(axis=(0, 1, 2)), train_frames.std(axis=(0, 1, 2))
    train_images = to_tensor(train_frames, mean, std)
    val_images = to_tensor(val_frames, mean, std)
    test_images = to_tensor(test_frames, mean, std)
    loader = DataLoader(TensorDataset(train_images, train_tokens), args.batch_size, shuffle=True, drop_last=True)
    model = SceneCLIP()
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": args.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98))
    total = args.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / args.warmup, 0.5 * (1 + math.cos(math.pi * step / total)))
    )
    print(f"untrained: {retrieval_error(model, test_images, test_tokens):.3f}")

    best_error, best_state = math.inf, None
    for epoch in range(args.epochs):
        model.train()
        for images, tokens in loader:
            loss = contrastive_loss(model(augment(images), tokens))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            model.logit_scale.data.clamp_(0, math.log(100))
        error = retrieval_error(model, val_images, val_tokens)
        if error < best_error:
            best_error, best_state = error, copy.deepcopy(model.state_dict())
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, validation error {error:.1f} %")

    model.load_state_dict(best_state)
    print(f"result: {retrieval_error(model, test_images, test_tokens):.3f}")


if __name__ == "__main__":
    main()

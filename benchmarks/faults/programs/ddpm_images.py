"""Denoising diffusion on small pictures: a U-Net predicts the noise; cosine schedule, moving average of the weights."""

import argparse
import copy
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

TIMESTEPS = 200


class Shells(Dataset):
    """Pictures made on demand: a banded ellipse on a tinted ground, as bytes, then in -1 to 1."""

    def __init__(self, count, size=16, seed=0):
        self.count, self.size, self.seed = count, size, seed

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(self.seed * 100003 + index)
        a, b, c, d, e, f = torch.rand(6, generator=generator).tolist()
        grid = torch.linspace(-1, 1, self.size)
        x, y = grid[None, :] - 0.6 * (a - 0.5), grid[:, None] - 0.6 * (b - 0.5)
        turned = x * math.cos(3.14 * c) + y * math.sin(3.14 * c), y * math.cos(3.14 * c) - x * math.sin(3.14 * c)
        inside = torch.sigmoid((1 - (turned[0] / (0.4 + 0.4 * d)) ** 2 - (turned[1] / 0.4) ** 2) * 8)
        bands = 0.5 + 0.5 * torch.cos(turned[0] * 9 + 6 * e)
        body = torch.stack([bands, 0.3 + 0.5 * bands, 1 - 0.6 * bands])
        ground = torch.tensor([0.1, 0.2 + 0.3 * f, 0.3]).view(3, 1, 1)
        picture = ((inside * body + (1 - inside) * ground) * 255).to(torch.uint8)
        return picture.float() / 127.5 - 1


def cosine_alpha_bar(steps, offset=0.008):
    t = torch.linspace(0, 1, steps + 1)
    bar = torch.cos((t + offset) / (1 + offset) * math.pi / 2) ** 2
    betas = (1 - bar[1:] / bar[:-1]).clamp(max=0.999)
    return torch.cumprod(1 - betas, dim=0)


def zeroed(module):
    """The last layer of a branch begins at nothing, so that the branch does."""
    for p in module.parameters():
        nn.init.zeros_(p)
    return module


class ResBlock(nn.Module):
    def __init__(self, inputs, outputs, time_width):
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(4, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.time = nn.Linear(time_width, outputs)
        self.second = nn.Sequential(nn.GroupNorm(4, outputs), nn.SiLU(), zeroed(nn.Conv2d(outputs, outputs, 3, padding=1)))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, temb):
        h = self.first(x) + self.time(temb)[:, :, None, None]
        return self.skip(x) + self.second(h)


class SpatialAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.qkv = nn.GroupNorm(4, width), nn.Conv2d(width, 3 * width, 1)
        self.out = zeroed(nn.Conv2d(width, width, 1))

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, c, h * w).transpose(2, 3).unbind(1)
        y = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(y.transpose(1, 2).reshape(b, c, h, w))


class UNet(nn.Module):
    def __init__(self, width=24, time_width=64):
        super().__init__()
        self.time_width = time_width
        self.time = nn.Sequential(nn.Linear(time_width, time_width), nn.SiLU(), nn.Linear(time_width, time_width), nn.SiLU())
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down1, self.down2 = ResBlock(width, width, time_width), ResBlock(width, 2 * width, time_width)
        self.middle, self.attention = ResBlock(2 * width, 2 * width, time_width), SpatialAttention(2 * width)
        self.up2, self.up1 = ResBlock(4 * width, width, time_width), ResBlock(2 * width, width, time_width)
        self.out = nn.Sequential(nn.GroupNorm(4, width), nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, x, t):
        frequencies = torch.exp(torch.linspace(0, -math.log(1000), self.time_width // 2))
        angles = t.float()[:, None] * frequencies
        temb = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        h1 = self.down1(self.stem(x), temb)
        h2 = self.down2(F.avg_pool2d(h1, 2), temb)
        h = self.attention(self.middle(F.avg_pool2d(h2, 2), temb))
        h = self.up2(torch.cat([F.interpolate(h, scale_factor=2), h2], dim=1), temb)
        h = self.up1(torch.cat([F.interpolate(h, scale_factor=2), h1], dim=1), temb)
        return self.out(h)


@torch.no_grad()
def update_average(average, model, decay=0.98):
    for p_average, p in zip(average.parameters(), model.parameters()):
        p_average.lerp_(p, 1 - decay)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    loader = DataLoader(Shells(640, seed=args.seed), batch_size=32, shuffle=True, drop_last=True)
    alpha_bar = cosine_alpha_bar(TIMESTEPS)
    model = UNet()
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        total = 0.0
        for images in loader:
            t = torch.randint(0, TIMESTEPS, (len(images),))
            bar = alpha_bar[t].view(-1, 1, 1, 1)
            noise = torch.randn_like(images)
            noisy = bar.sqrt() * images + (1 - bar).sqrt() * noise
            pred = model(noisy, t)
            loss = F.mse_loss(pred, noise)
            if not torch.isfinite(loss):
                raise RuntimeError(f"loss is {loss.item()} in epoch {epoch}")
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            update_average(average, model)
            total += loss.item() / len(loader)
        print(f"epoch {epoch}: {total:.4f}")


if __name__ == "__main__":
    main()

"""Diffusion policy: an MLP predicts the noise in a chunk of actions, given the observation."""

import argparse
import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

STEPS, HORIZON, ACTIONS = 100, 4, 2


def demonstrations(n=4096):
    """Two ways around an obstacle, in millimetres, from where the arm is."""
    obs = torch.randn(n, 6)
    side = torch.where(torch.rand(n, 1, 1) < 0.5, -1.0, 1.0)
    along = torch.linspace(0, 1, HORIZON).view(1, HORIZON, 1)
    goal = obs[:, None, :2] + 0.5 * obs[:, None, 2:4]
    path = along * goal + side * torch.sin(math.pi * along) * obs[:, None, 4:6].abs()
    return obs, path * 80 + 300


def cosine_schedule(steps):
    """Cumulative products of alpha, from nearly 1 to nearly 0."""
    t = torch.linspace(0, 1, steps + 1)
    bar = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = (1 - bar[1:] / bar[:-1]).clamp(max=0.999)
    return torch.cumprod(1 - betas, dim=0)


class Denoiser(nn.Module):
    def __init__(self, obs_dim, width=128):
        super().__init__()
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.inp = nn.Linear(HORIZON * ACTIONS + obs_dim, width)
        self.blocks = nn.ModuleList([nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(),
                                                   nn.Linear(width, width)) for _ in range(3)])
        self.out = nn.Linear(width, HORIZON * ACTIONS)

    def embed(self, t):
        half = self.width // 2
        freqs = torch.exp(-math.log(10000) * torch.arange(half) / half)
        angle = t.float()[:, None] * freqs
        return torch.cat([angle.sin(), angle.cos()], dim=-1)

    def forward(self, x, t, obs):
        h = self.inp(torch.cat([x.flatten(1), obs], dim=-1)) + self.time(self.embed(t))
        for block in self.blocks:
            h = h + block(h)
        return self.out(h).view(-1, HORIZON, ACTIONS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--updates", type=int, default=2000)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    obs, action = demonstrations()
    mean, std = action.mean((0, 1)), action.std((0, 1))
    action = (action - mean) / std
    alpha_bar = cosine_schedule(STEPS)
    model = Denoiser(obs.shape[1])
    ema = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)

    for step in range(args.updates):
        rows = torch.randint(len(obs), (64,))
        batch_obs, batch_action = obs[rows], action[rows]
        t = torch.randint(STEPS, (len(rows),))
        noise = torch.randn_like(batch_action)
        bar = alpha_bar[t].view(-1, 1, 1)
        noisy = bar.sqrt() * batch_action + (1 - bar).sqrt() * noise
        pred = model(noisy, t, batch_obs)
        loss = F.mse_loss(pred, noise)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            for a, b in zip(ema.parameters(), model.parameters()):
                a.lerp_(b, 0.005)
        if step % 100 == 0:
            print(step, loss.item())


if __name__ == "__main__":
    main()

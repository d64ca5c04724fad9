"""Flow-matching policy for planar pushing: behaviour cloning of action chunks from scripted demonstrations."""

import argparse
import math
import random

import numpy as np
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

GOAL = np.array([0.50, 0.0])  # where the block goes, metres in the robot's base frame
HALF_SIDE, TIP_RADIUS, TURN_RADIUS = 0.04, 0.01, 0.03  # the last: friction torque over friction force
CONTROL_DT, SUBSTEPS, MAX_SPEED = 0.1, 5, 0.10
HISTORY, CHUNK, EXECUTED = 2, 8, 4
MIRROR_OBS = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0])  # reflection about the base's x axis
MIRROR_ACTION = torch.tensor([1.0, -1.0])


def random_offset(rng, count, low, high):
    radius, bearing = rng.uniform(low, high, count), rng.uniform(-math.pi, math.pi, count)
    return np.stack([radius * np.cos(bearing), radius * np.sin(bearing)], 1)


def limit_speed(velocity):
    return velocity / np.maximum(1.0, np.linalg.norm(velocity, axis=1, keepdims=True) / MAX_SPEED)


class PushTable:
    """Quasi-static pushing of a square block by a round finger, many tables side by side."""

    def __init__(self, count, rng):
        self.block = GOAL + random_offset(rng, count, 0.10, 0.18)
        self.yaw = rng.uniform(-math.pi / 4, math.pi / 4, count)
        self.tip = self.block + random_offset(rng, count, 0.08, 0.14)

    def step(self, velocity):
        velocity = limit_speed(velocity)
        for _ in range(SUBSTEPS):
            self.tip = self.tip + velocity * CONTROL_DT / SUBSTEPS
            cos, sin = np.cos(self.yaw), np.sin(self.yaw)
            axes = np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1)
            local = np.einsum("nij,nj->ni", axes, self.tip - self.block)
            contact = np.clip(local, -HALF_SIDE, HALF_SIDE)
            gap = np.linalg.norm(local - contact, axis=1)
            normal = (contact - local) / np.maximum(gap, 1e-9)[:, None]
            lever = contact[:, 0] * normal[:, 1] - contact[:, 1] * normal[:, 0]
            slide = np.maximum(TIP_RADIUS - gap, 0.0) / (1.0 + (lever / TURN_RADIUS) ** 2)
            self.block = self.block + np.einsum("nij,ni->nj", axes, slide[:, None] * normal)
            self.yaw = self.yaw + slide * lever / TURN_RADIUS**2

    def observe(self):
        """Finger x, y [m] from the encoders; block x, y [mm], x, y from the finger [mm], sin and cos of its yaw."""
        block_mm, gap_mm = 1000.0 * self.block, 1000.0 * (self.block - self.tip)
        yaw = np.stack([np.sin(self.yaw), np.cos(self.yaw)], 1)
        return torch.as_tensor(np.concatenate([self.tip, block_mm, gap_mm, yaw], 1), dtype=torch.float32)

    def distance_mm(self):
        return 1000.0 * np.linalg.norm(self.block - GOAL, axis=1)


def demonstrator(table):
    """Walk around the block to its far side, then push it towards the goal; velocities in m/s."""
    distance = table.distance_mm()[:, None] / 1000.0
    heading = (GOAL - table.block) / np.maximum(distance, 1e-6)
    side = np.stack([-heading[:, 1], heading[:, 0]], 1)
    offset = table.tip - table.block
    lateral = (offset * side).sum(1)
    angle = np.arctan2(-lateral, -(offset * heading).sum(1))
    ahead = angle - np.clip(angle, -0.6, 0.6)
    orbit = table.block - 0.085 * (np.cos(ahead)[:, None] * heading + np.sin(ahead)[:, None] * side)
    push = heading * np.minimum(MAX_SPEED, 3.0 * distance) - 4.0 * lateral[:, None] * side
    velocity = np.where(np.abs(angle)[:, None] > 0.35, 4.0 * (orbit - table.tip), push)
    return np.where(distance < 0.004, 0.0, limit_speed(velocity))


def record_demonstrations(count, rng, max_steps=110):
    """Noise goes into what is executed, not into what is recorded, so that recoveries are seen."""
    table = PushTable(count, rng)
    observations, actions, lengths = [], [], np.full(count, max_steps)
    for step in range(max_steps):
        observations.append(table.observe())
        actions.append(demonstrator(table))
        lengths = np.where(table.distance_mm() < 4.0, np.minimum(lengths, step + 6), lengths)
        table.step(actions[-1] + rng.normal(0.0, 0.03, (count, 2)))
    observations, actions = torch.stack(observations, dim=1), torch.from_numpy(np.stack(actions, axis=1)).float()
    return [(observations[i, :n], actions[i, :n]) for i, n in enumerate(lengths)]


class WindowDataset(Dataset):
    """Windows of episodes: the last HISTORY observations and the CHUNK of actions that starts now."""

    def __init__(self, episodes):
        self.episodes = episodes
        self.index = [(e, t) for e, (_, actions) in enumerate(episodes) for t in range(len(actions))]
        obs, actions = (torch.cat(column) for column in zip(*episodes))
        self.stats = {"obs_mean": obs.mean(dim=0), "obs_std": obs.std(dim=0)}
        self.stats |= {"action_mean": actions.mean(dim=0), "action_std": actions.std(dim=0)}

    def __len__(self):
        return len(self.index)

    def __getitem__(self, item):
        episode, now = self.index[item]
        obs, actions = self.episodes[episode]
        past, future = torch.arange(now - HISTORY + 1, now + 1), torch.arange(now, now + CHUNK)
        history, chunk = obs[past.clamp(min=0)], actions[future.clamp(max=len(actions) - 1)]
        is_pad = future >= len(actions)
        if random.random() < 0.5:
            history, chunk = history * MIRROR_OBS, chunk * MIRROR_ACTION
        return history, chunk, is_pad


class ModulatedBlock(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(width, 2 * width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.Mish(), nn.Dropout(dropout), nn.Linear(width, width))

    def forward(self, x, condition):
        scale, shift = self.modulation(condition).chunk(2, dim=-1)
        return x + self.mlp(self.norm(x) * (1.0 + scale) + shift)


class FlowPolicy(nn.Module):
    """Velocity field over chunks of normalized actions, its training loss and its sampler."""

    def __init__(self, stats, width=128, depth=3, dropout=0.05):
        super().__init__()
        for name, value in stats.items():
            self.register_buffer(name, value)
        self.register_buffer("frequencies", torch.exp(torch.linspace(0.0, math.log(100.0), 16)))
        self.encoder = nn.Sequential(nn.Linear(8 * HISTORY, width), nn.Mish(), nn.Linear(width, width))
        self.time_embedding = nn.Sequential(nn.Linear(32, width), nn.Mish(), nn.Linear(width, width))
        self.stem = nn.Linear(2 * CHUNK, width)
        self.blocks = nn.ModuleList([ModulatedBlock(width, dropout) for _ in range(depth)])
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * CHUNK))

    def forward(self, noisy, tau, history):
        history = (history - self.obs_mean) / self.obs_std
        phase = tau[:, None] * self.frequencies
        embedded = self.time_embedding(torch.cat([phase.sin(), phase.cos()], dim=-1))
        condition = nn.functional.mish(self.encoder(history.flatten(1)) + embedded)
        x = self.stem(noisy.flatten(1))
        for block in self.blocks:
            x = block(x, condition)
        return self.head(x).view(-1, CHUNK, 2)

    def loss(self, history, chunk, is_pad):
        actions = (chunk - self.action_mean) / self.action_std
        noise = torch.randn_like(actions)
        tau = torch.rand(len(actions))
        mix = tau[:, None, None]
        noisy = (1.0 - mix) * noise + mix * actions
        velocity = actions - noise
        error = nn.functional.mse_loss(self(noisy, tau, history), velocity, reduction="none").mean(dim=-1)
        valid = (~is_pad).float()
        return (error * valid).sum() / valid.sum()

    @torch.no_grad()
    def sample(self, history, generator, steps=10):
        """Integrate the field from noise to actions with Euler steps; returns metres per second."""
        x = torch.randn(len(history), CHUNK, 2, generator=generator)
        for i in range(steps):
            x = x + self(x, torch.full((len(history),), i / steps), history) / steps
        return x * self.action_std + self.action_mean


def mean_final_distance(policy, count=100, max_steps=120, seed=12345):
    """Mean distance of block to goal, in millimetres, after closed-loop episodes from held-out starts."""
    policy.eval()
    table, generator = PushTable(count, np.random.default_rng(seed)), torch.Generator().manual_seed(seed)
    seen = [table.observe()] * HISTORY
    for _ in range(max_steps // EXECUTED):
        chunk = policy.sample(torch.stack(seen[-HISTORY:], dim=1), generator).numpy()
        for k in range(EXECUTED):
            table.step(chunk[:, k])
            seen.append(table.observe())
    return table.distance_mm().mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup-steps", type=int, default=50)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    dataset = WindowDataset(record_demonstrations(250, np.random.default_rng(args.seed)))
    loader = DataLoader(dataset, batch_size=128, shuffle=True, drop_last=True)
    model = FlowPolicy(dataset.stats)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.99), weight_decay=1e-3)
    warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.02, total_iters=args.warmup_steps)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs * len(loader) - args.warmup_steps)
    schedule = lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[args.warmup_steps])

    print(f"untrained: {mean_final_distance(average.module):.3f}")
    for epoch in range(args.epochs):
        model.train()
        for history, chunk, is_pad in loader:
            optimizer.zero_grad(set_to_none=True)
            loss = model.loss(history, chunk, is_pad)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
        print(f"epoch {epoch + 1:2d}  loss {loss.item():.4f}  lr {schedule.get_last_lr()[0]:.2e}")
    print(f"result: {mean_final_distance(average.module):.3f}")


if __name__ == "__main__":
    main()

"""Latent world model of a two-link arm with an unknown payload, trained on random motor currents with accelerate."""

import argparse
import copy
import math

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

CONTEXT, HORIZON = 4, 12
LINK_1, LINK_2 = 0.42, 0.35  # m
TICKS_PER_RAD, GEAR = 4096 / (2 * math.pi), 40.0
CAMERA_ORIGIN = np.array([2.35, 1.60])  # m, base of the arm in the frame of the motion capture
GOAL = CAMERA_ORIGIN + np.array([0.45, -0.35])
MARKER_LOST, TIP = -999.0, slice(4, 6)  # what the cameras write; where it stands in an observation


def simulate(episodes, steps, rng, dt=0.06, substeps=12):
    """Return what the loggers saw: observations, currents (mA), rewards (mm), and the true tip (m)."""
    q = rng.normal(0.0, 0.7, (episodes, 2))
    dq, current = rng.normal(0.0, 1.0, (episodes, 2)), rng.normal(0.0, 900.0, (episodes, 2))
    m1, m2 = 1.6, 1.1 + rng.uniform(0.0, 0.8, episodes)
    log = {"obs": [], "current": [], "reward": [], "tip": []}

    def tip_of(q):
        upper, lower = q[:, 0], q.sum(axis=1)
        x, z = LINK_1 * np.sin(upper) + LINK_2 * np.sin(lower), -LINK_1 * np.cos(upper) - LINK_2 * np.cos(lower)
        return np.stack([x, z], axis=1) + CAMERA_ORIGIN

    for _ in range(steps):
        tip = tip_of(q)
        seen = tip + rng.normal(0.0, 0.003, tip.shape)
        seen[rng.random(episodes) < 0.06] = MARKER_LOST
        ticks = np.round(2048 + q * TICKS_PER_RAD)
        rpm = dq * GEAR * 60 / (2 * math.pi) + rng.normal(0.0, 25.0, dq.shape)
        current = 0.8 * current + 0.6 * rng.normal(0.0, 1200.0, current.shape)
        torque = current / 1000 * np.array([5.0, 2.2])
        for _ in range(substeps):
            h = m2 * LINK_1 * LINK_2 * np.sin(q[:, 1])
            m22 = m2 * LINK_2**2
            m12 = m22 + m2 * LINK_1 * LINK_2 * np.cos(q[:, 1])
            m11 = (m1 + m2) * LINK_1**2 + 2 * m12 - m22
            g2 = 9.81 * m2 * LINK_2 * np.sin(q.sum(axis=1))
            g1 = 9.81 * (m1 + m2) * LINK_1 * np.sin(q[:, 0]) + g2
            f1 = torque[:, 0] - 0.4 * dq[:, 0] - g1 + h * (2 * dq[:, 0] * dq[:, 1] + dq[:, 1] ** 2)
            f2 = torque[:, 1] - 0.15 * dq[:, 1] - g2 - h * dq[:, 0] ** 2
            acc = np.stack([m22 * f1 - m12 * f2, m11 * f2 - m12 * f1], axis=1) / (m11 * m22 - m12**2)[:, None]
            dq = dq + acc * dt / substeps
            q = q + dq * dt / substeps
        log["obs"].append(np.concatenate([ticks, rpm, seen], axis=1))
        log["current"].append(current)
        log["reward"].append(-1000 * np.linalg.norm(tip_of(q) - GOAL, axis=1))
        log["tip"].append(tip)
    return {key: np.stack(values, axis=1) for key, values in log.items()}


def hold_lost_markers(obs):
    """Repeat the last position of a marker that the cameras lost; also return where it was seen."""
    obs = obs.copy()
    seen = obs[..., TIP.start] > MARKER_LOST
    obs[:, 0, TIP] = np.where(seen[:, :1], obs[:, 0, TIP], CAMERA_ORIGIN)
    for t in range(1, obs.shape[1]):
        obs[:, t, TIP] = np.where(seen[:, t, None], obs[:, t, TIP], obs[:, t - 1, TIP])
    return obs, seen


class Standardizer:
    def __init__(self, values):
        flat = torch.as_tensor(values, dtype=torch.float32).flatten(0, 1)
        self.mean, self.std = flat.mean(dim=0), flat.std(dim=0)

    def __call__(self, values):
        return (torch.as_tensor(values, dtype=torch.float32) - self.mean) / self.std

    def undo(self, values):
        return values * self.std + self.mean


class Windows(Dataset):
    """Windows of CONTEXT + HORIZON frames from episodes that are stored one after another."""

    def __init__(self, obs, current, reward, seen):
        self.length = CONTEXT + HORIZON
        episodes, steps = obs.shape[:2]
        self.starts = [e * steps + t for e in range(episodes) for t in range(steps - self.length + 1)]
        mask = torch.ones_like(obs)
        mask[..., TIP] = torch.as_tensor(seen, dtype=torch.float32).unsqueeze(-1)
        self.arrays = [values.flatten(0, 1) for values in (obs, current, reward, mask)]

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        start = self.starts[i]
        return tuple(values[start : start + self.length] for values in self.arrays)


def mlp(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))


class ResidualBlock(nn.Module):
    def __init__(self, latent, cond):
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(latent + cond), mlp(latent + cond, 2 * latent, latent))

    def forward(self, z, cond):
        return z + self.net(torch.cat([z, cond], dim=-1))


class WorldModel(nn.Module):
    def __init__(self, obs_dim, act_dim, latent=64, hidden=128, action_dim=16, blocks=2):
        super().__init__()
        history = CONTEXT * obs_dim + (CONTEXT - 1) * act_dim
        self.encoder = nn.Sequential(mlp(history, hidden, latent), nn.LayerNorm(latent))
        self.embed_action = nn.Linear(act_dim, action_dim)
        self.blocks = nn.ModuleList([ResidualBlock(latent, action_dim) for _ in range(blocks)])
        self.norm = nn.LayerNorm(latent)
        self.decoder = mlp(latent, hidden, obs_dim)
        self.reward = mlp(latent, hidden, 1)

    def encode(self, obs, actions):
        return self.encoder(torch.cat([obs.flatten(-2), actions.flatten(-2)], dim=-1))

    def step(self, z, action):
        for block in self.blocks:
            z = block(z, self.embed_action(action))
        return self.norm(z)

    def forward(self, obs, past_actions, actions):
        z = self.encode(obs, past_actions)
        latents = []
        for t in range(actions.shape[1]):
            z = self.step(z, actions[:, t])
            latents.append(z)
        latents = torch.stack(latents, dim=1)
        return latents, self.decoder(latents), self.reward(latents).squeeze(-1)


def latent_targets(model, obs, actions):
    """Encode the context that ends at each frame of the horizon."""
    frames = [model.encode(obs[:, t + 1 : t + 1 + CONTEXT], actions[:, t + 1 : t + CONTEXT]) for t in range(HORIZON)]
    return torch.stack(frames, dim=1)


@torch.no_grad()
def open_loop_error(model, log, obs, current, scale_obs, scale_reward, stride=6):
    """Mean error (mm) of tip and reward over HORIZON open-loop steps on held-out episodes."""
    model.eval()
    errors = []
    for start in range(0, obs.shape[1] - CONTEXT - HORIZON + 1, stride):
        now, end = start + CONTEXT, start + CONTEXT + HORIZON
        _, pred, reward = model(obs[:, start:now], current[:, start : now - 1], current[:, now - 1 : end - 1])
        tip = scale_obs.undo(pred)[..., TIP]
        tip_error = 1000 * (tip - torch.as_tensor(log["tip"][:, now:end])).norm(dim=-1).mean()
        reward_error = (scale_reward.undo(reward) - torch.as_tensor(log["reward"][:, now - 1 : end - 1])).abs().mean()
        errors.append((tip_error + reward_error) / 2)
    return torch.stack(errors).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    accelerator = Accelerator(cpu=True)
    set_seed(args.seed)

    rng = np.random.default_rng(args.seed)
    train_log, test_log = simulate(220, 32, rng), simulate(60, 32, rng)
    train_raw, train_seen = hold_lost_markers(train_log["obs"])
    test_raw, _ = hold_lost_markers(test_log["obs"])
    scale_obs = Standardizer(train_raw)
    scale_current = Standardizer(train_log["current"])
    scale_reward = Standardizer(train_log["reward"])
    current, reward = scale_current(train_log["current"]), scale_reward(train_log["reward"])
    windows = Windows(scale_obs(train_raw), current, reward, train_seen)
    loader = DataLoader(windows, batch_size=64, shuffle=True, drop_last=True)
    held_out = (test_log, scale_obs(test_raw), scale_current(test_log["current"]), scale_obs, scale_reward)

    model = WorldModel(obs_dim=train_raw.shape[-1], act_dim=train_log["current"].shape[-1])
    target_model = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
    accelerator.print(f"untrained: {open_loop_error(model, *held_out):.4f}")

    for epoch in range(args.epochs):
        model.train()
        for obs, current, reward, mask in loader:
            latents, pred, pred_reward = model(obs[:, :CONTEXT], current[:, : CONTEXT - 1], current[:, CONTEXT - 1 : -1])
            with torch.no_grad():
                goal_latents = latent_targets(target_model, obs, current)
            weight = mask[:, CONTEXT:]
            decoding = (weight * (pred - obs[:, CONTEXT:]) ** 2).sum() / weight.sum()
            reward_loss = F.mse_loss(pred_reward, reward[:, CONTEXT - 1 : -1])
            consistency = F.mse_loss(latents, goal_latents)
            loss = decoding + 0.5 * reward_loss + 0.5 * consistency

            optimizer.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            with torch.no_grad():
                for param, target in zip(model.parameters(), target_model.parameters()):
                    target.lerp_(param, 0.02)
        scheduler.step()
        accelerator.print(f"epoch {epoch} decoding {decoding.item():.4f} consistency {consistency.item():.4f}")

    accelerator.print(f"result: {open_loop_error(model, *held_out):.4f}")


if __name__ == "__main__":
    main()

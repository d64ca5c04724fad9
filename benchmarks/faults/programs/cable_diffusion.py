"""Diffusion policy for cable routing: chunks of commands from proprioception, cable keypoints and clips."""

import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

DT, SEGMENT = 0.1, 40.0  # s, mm of cable between keypoints
SPEED, LIFT_SPEED, TURN_SPEED = 100.0, 60.0, 0.5  # mm/s, mm/s, rad/s
HISTORY, HORIZON = 2, 8

# signs under a reflection of the board about its x axis
OBS_MIRROR = np.float32([1, -1, 1, -1, 1, 1] + [1, -1, 1] * 3 + [1, -1, 1] + [1, -1, -1, 1] * 2)
ACTION_MIRROR = np.float32([1, -1, 1, -1, 1])


def demonstrate(episodes, steps, rng):
    """Teleoperated routing through two clips.

    Observation: tool position (mm), yaw (sin, cos), gripper width (mm), three keypoints (mm, from the tool), wrist
    force (N) and both clips, from the tool. Action: velocity (mm/s), yaw rate (rad/s), gripper width (mm).
    """
    clip_xy = rng.uniform([[340, -150], [540, -150]], [[440, 150], [640, 150]], (episodes, 2, 2))
    clip_yaw = rng.uniform(-0.9, 0.9, (episodes, 2))
    along = np.stack([np.cos(clip_yaw), np.sin(clip_yaw)], axis=-1)
    waypoints, widths = [], np.array([3.0, 3.0, 6.0, 4.5] * 2)
    for clip in range(2):
        for offset, height in [(-50, 90), (-50, 25), (50, 25), (50, 90)]:
            xy = clip_xy[:, clip] + offset * along[:, clip]
            waypoints.append(np.concatenate([xy, np.full((episodes, 1), height)], axis=1))
    waypoints, yaws = np.stack(waypoints, axis=1), clip_yaw.repeat(4, axis=1)
    tool = rng.uniform([200, -120, 110], [270, 120, 170], (episodes, 3))
    yaw = rng.uniform(-1.5, 1.5, episodes)
    keypoints = tool[:, None] - np.array([[SEGMENT, 0, 15]]) * np.arange(1, 4)[:, None]
    grip, pace = np.full(episodes, 3.0), rng.uniform(0.85, 1.15, episodes)
    tremor, velocity = np.zeros((episodes, 4)), np.zeros((episodes, 3))
    rows, phase = np.arange(episodes), np.zeros(episodes, dtype=int)
    observations, actions = [], []
    for _ in range(steps):
        drag = -np.where(np.isin(phase, (2, 6)), 0.05, 0.02)[:, None] * velocity
        seen = keypoints + rng.normal(0, 1.5, keypoints.shape)
        seen[rng.random((episodes, 3)) < 0.04] = np.nan  # hidden behind the gripper
        bearing = clip_yaw - yaw[:, None]
        clips = np.concatenate([clip_xy - tool[:, None, :2], np.stack([np.sin(bearing), np.cos(bearing)], -1)], axis=2)
        observations.append(np.concatenate([
            tool + rng.normal(0, 0.3, tool.shape), np.sin(yaw)[:, None], np.cos(yaw)[:, None],
            grip[:, None] + rng.normal(0, 0.05, (episodes, 1)), (seen - tool[:, None]).reshape(episodes, 9),
            drag + rng.normal(0, 0.3, drag.shape), clips.reshape(episodes, 8)], axis=1))
        error, turn = waypoints[rows, phase] - tool, yaws[rows, phase] - yaw
        planar = 2.5 * error[:, :2]
        planar *= np.minimum(1, SPEED / (np.linalg.norm(planar, axis=1, keepdims=True) + 1e-6))
        lift = np.clip(2.5 * error[:, 2:], -LIFT_SPEED, LIFT_SPEED)
        tremor = 0.7 * tremor + rng.normal(0, [3.0, 3.0, 2.0, 0.02], tremor.shape)
        velocity = np.concatenate([planar, lift], axis=1) * pace[:, None] + tremor[:, :3]
        yaw_rate = np.clip(1.2 * turn, -TURN_SPEED, TURN_SPEED) * pace + tremor[:, 3]
        actions.append(np.concatenate([velocity, yaw_rate[:, None], widths[phase][:, None]], axis=1))
        tool, yaw = tool + DT * velocity, yaw + DT * yaw_rate
        grip = grip + 0.5 * (widths[phase] - grip)
        ahead = tool
        for point in range(3):
            gap = keypoints[:, point] - ahead
            keypoints[:, point] = ahead + gap * np.minimum(1, SEGMENT / np.linalg.norm(gap, axis=1, keepdims=True))
            ahead = keypoints[:, point]
        arrived = (np.linalg.norm(error, axis=1) < 10) & (np.abs(turn) < 0.1)
        phase = np.minimum(phase + arrived, waypoints.shape[1] - 1)
    return np.stack(observations, axis=1).astype(np.float32), np.stack(actions, axis=1).astype(np.float32)


def hold_last(obs):
    """Replace keypoints that were not seen by where they were seen last."""
    obs = obs.copy()
    obs[:, 0] = np.where(np.isnan(obs[:, 0]), np.nanmean(obs[:, :10], axis=1), obs[:, 0])
    for t in range(1, obs.shape[1]):
        obs[:, t] = np.where(np.isnan(obs[:, t]), obs[:, t - 1], obs[:, t])
    return obs


class Normalizer:
    def __init__(self, obs, actions):
        self.obs_mean, self.obs_std = obs.mean((0, 1)), obs.std((0, 1)) + 1e-6
        self.action_mean, self.action_std = actions.mean((0, 1)), actions.std((0, 1))

    def obs(self, obs):
        return (obs - self.obs_mean) / self.obs_std

    def action(self, action):
        return (action - self.action_mean) / self.action_std

    def to_command(self, action):
        return action * self.action_std + self.action_mean


class ChunkDataset(Dataset):
    """Windows of episodes: HISTORY observations up to now, HORIZON actions from now on."""

    def __init__(self, obs, actions, normalizer, augment=False):
        self.obs, self.actions, self.normalizer, self.augment = obs, actions, normalizer, augment
        starts = range(HISTORY - 1, obs.shape[1] - HORIZON + 1)
        self.index = [(episode, t) for episode in range(len(obs)) for t in starts]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        episode, t = self.index[i]
        obs = self.obs[episode, t - HISTORY + 1 : t + 1]
        action = self.actions[episode, t : t + HORIZON]
        if self.augment and np.random.rand() < 0.5:
            obs, action = obs * OBS_MIRROR, action * ACTION_MIRROR
        return self.normalizer.obs(obs), self.normalizer.action(action)


class Block(nn.Module):
    def __init__(self, width, cond_dim):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.film = nn.Linear(cond_dim, 2 * width)
        self.net = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, x, cond):
        scale, shift = self.film(cond).chunk(2, dim=-1)
        return x + self.net(self.norm(x) * (1 + scale) + shift)


class NoisePredictor(nn.Module):
    def __init__(self, obs_dim, action_dim, width=192, cond_dim=128, depth=2):
        super().__init__()
        self.cond_dim = cond_dim
        self.time_mlp = nn.Sequential(nn.Linear(cond_dim, cond_dim), nn.SiLU(), nn.Linear(cond_dim, cond_dim))
        self.obs_encoder = nn.Sequential(nn.Linear(HISTORY * obs_dim, width), nn.SiLU(), nn.Linear(width, cond_dim))
        self.inp = nn.Linear(HORIZON * action_dim, width)
        self.blocks = nn.ModuleList([Block(width, cond_dim) for _ in range(depth)])
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, HORIZON * action_dim))

    def embed(self, t):
        angles = t.float()[:, None] * torch.logspace(0, -3, self.cond_dim // 2)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def forward(self, noisy, t, obs):
        cond = F.silu(self.time_mlp(self.embed(t)) + self.obs_encoder(obs.flatten(1)))
        x = self.inp(noisy.flatten(1))
        for block in self.blocks:
            x = block(x, cond)
        return self.out(x).view_as(noisy)


class Diffusion:
    def __init__(self, steps=50, clip=3.0):
        self.steps, self.clip = steps, clip
        self.betas = torch.linspace(1e-3, 0.2, steps)
        self.alpha_bar = torch.cumprod(1 - self.betas, dim=0)

    def add_noise(self, action, noise, t):
        a = self.alpha_bar[t].view(-1, 1, 1)
        return a.sqrt() * action + (1 - a).sqrt() * noise

    def loss(self, model, obs, action):
        t = torch.randint(0, self.steps, (len(action),))
        noise = torch.randn_like(action)
        pred = model(self.add_noise(action, noise, t), t, obs)
        return F.mse_loss(pred, noise)

    @torch.no_grad()
    def sample(self, model, obs, action_dim):
        x = torch.randn(len(obs), HORIZON, action_dim)
        for t in reversed(range(self.steps)):
            a, beta = self.alpha_bar[t], self.betas[t]
            a_prev = self.alpha_bar[t - 1] if t > 0 else torch.tensor(1.0)
            eps = model(x, torch.full((len(x),), t), obs)
            x0 = ((x - (1 - a).sqrt() * eps) / a.sqrt()).clamp(-self.clip, self.clip)
            x = (a_prev.sqrt() * beta * x0 + (1 - beta).sqrt() * (1 - a_prev) * x) / (1 - a)
            if t > 0:
                x = x + (beta * (1 - a_prev) / (1 - a)).sqrt() * torch.randn_like(x)
        return x


class EMA:
    def __init__(self, model, decay=0.995):
        self.decay, self.updates = decay, 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for average, p in zip(self.model.parameters(), model.parameters()):
            average.lerp_(p, 1 - decay)


def evaluate(model, diffusion, normalizer, obs, actions, unit, stride=16):
    """Mean absolute error of sampled chunks, in units of each command."""
    starts = range(HISTORY - 1, obs.shape[1] - HORIZON + 1, stride)
    windows = np.concatenate([obs[:, t - HISTORY + 1 : t + 1] for t in starts])
    target = np.concatenate([actions[:, t : t + HORIZON] for t in starts])
    sampled = diffusion.sample(model, torch.from_numpy(normalizer.obs(windows)), actions.shape[-1])
    error = (normalizer.to_command(sampled.numpy()) - target) / unit
    return float(np.abs(error).mean())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)
    torch.set_num_threads(1)

    obs, actions = demonstrate(episodes=120, steps=130, rng=np.random.default_rng(args.seed))
    obs = hold_last(obs)
    train_obs, train_actions, test_obs, test_actions = obs[:90], actions[:90], obs[90:], actions[90:]
    normalizer = Normalizer(train_obs, train_actions)
    dataset = ChunkDataset(train_obs, train_actions, normalizer, augment=True)
    loader = DataLoader(dataset, batch_size=args.batch_size, shuffle=True, drop_last=True)

    diffusion = Diffusion()
    model = NoisePredictor(obs.shape[-1], actions.shape[-1])
    ema = EMA(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.95, 0.999), weight_decay=1e-6, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.epochs * len(loader), pct_start=0.1, cycle_momentum=False
    )
    unit = train_actions.std((0, 1))
    print(f"untrained: {evaluate(ema.model, diffusion, normalizer, test_obs, test_actions, unit):.4f}")

    model.train()
    for epoch in range(args.epochs):
        losses = []
        for obs_batch, action_batch in loader:
            loss = diffusion.loss(model, obs_batch, action_batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            ema.update(model)
            losses.append(loss.item())
        print(f"epoch {epoch} loss {np.mean(losses):.4f}")

    print(f"result: {evaluate(ema.model, diffusion, normalizer, test_obs, test_actions, unit):.4f}")


if __name__ == "__main__":
    main()

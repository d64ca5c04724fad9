"""Planar lidar odometry: how a robot has moved between two range scans, with the uncertainty of each component."""

import argparse
import copy
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

BEAMS = 120  # one every 3 degrees, counter-clockwise, the first one straight ahead
MAX_RANGE = 12.0  # m
NO_RETURN = 65535  # the driver's code for a beam without echo; other readings are mm
STEPS = 8  # motions in a trajectory
SCAN_PERIOD = 0.4  # s


def wrap(angle):
    """Angle in [-pi, pi), for arrays and tensors."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def drive(rng):
    """Poses (x m, y m, heading rad) of a cart in the world; speed and turn rate change slowly, wheels slip sideways."""
    pose = np.array([*rng.uniform(-1.5, 1.5, 2), rng.uniform(-np.pi, np.pi)])
    poses, speed, turn = [pose], rng.uniform(0.3, 1.5), rng.normal(0, 0.35)
    for _ in range(STEPS):
        speed = np.clip(speed + rng.normal(0, 0.3), 0.1, 1.7)
        turn = 0.7 * turn + rng.normal(0, 0.25)
        forward, lateral = speed * SCAN_PERIOD, rng.normal(0, 0.1)
        c, s = np.cos(pose[2]), np.sin(pose[2])
        pose = pose + [c * forward - s * lateral, s * forward + c * lateral, turn * SCAN_PERIOD]
        poses.append(pose)
    return np.stack(poses)


def scan(poses, rng):
    """Raw readings (uint16, mm) from each pose, in a rectangular hall with round pillars."""
    half = rng.uniform(6.5, 13, 2)
    pillars = np.column_stack([rng.uniform(-1, 1, (10, 2)) * half, rng.uniform(0.2, 0.7, 10)])
    gap = np.linalg.norm(pillars[:, None, :2] - poses[None, :, :2], axis=-1).min(1) - pillars[:, 2]
    pillars = pillars[gap > 0.5]
    angles = poses[:, 2:] + np.arange(BEAMS) * 2 * np.pi / BEAMS
    direction = np.stack([np.cos(angles), np.sin(angles)], -1)
    origin = poses[:, None, :2]
    distance = ((np.sign(direction) * half - origin) / direction).min(-1)
    for x, y, radius in pillars:
        to_centre = np.array([x, y]) - origin
        along = (to_centre * direction).sum(-1)
        inside = radius**2 - (to_centre**2).sum(-1) + along**2
        hit = along - np.sqrt(np.maximum(inside, 0))
        distance = np.where((inside > 0) & (along > 0), np.minimum(distance, hit), distance)
    readings = np.round(1000 * (distance + rng.normal(0, 0.015, distance.shape))).clip(0)
    lost = (distance > MAX_RANGE) | (rng.random(distance.shape) < 0.03)
    return np.where(lost, NO_RETURN, readings).astype(np.uint16)


def record(n, rng):
    """Poses (n, STEPS + 1, 3) and readings (n, STEPS + 1, BEAMS)."""
    poses = [drive(rng) for _ in range(n)]
    return np.stack(poses), np.stack([scan(p, rng) for p in poses])


def relative_motion(poses):
    """Motion between consecutive poses as seen from the earlier one: forward (m), left (m), turn (rad)."""
    step = poses[:, 1:] - poses[:, :-1]
    heading = poses[:, :-1, 2]
    forward = np.cos(heading) * step[..., 0] + np.sin(heading) * step[..., 1]
    left = -np.sin(heading) * step[..., 0] + np.cos(heading) * step[..., 1]
    return np.stack([forward, left, wrap(step[..., 2])], -1)


class ScanPairs(Dataset):
    """Pairs of consecutive scans (BEAMS, 4: range and echo of either) and the motion between them."""

    def __init__(self, poses, readings, mean=None, std=None, mirror=False):
        echo = readings != NO_RETURN
        metres = np.where(echo, readings / 1000.0, MAX_RANGE)
        self.ranges = torch.from_numpy(metres).float().flatten(0, 1)
        self.echo = torch.from_numpy(echo).float().flatten(0, 1)
        self.motion = torch.from_numpy(relative_motion(poses)).float().flatten(0, 1)
        self.mean = self.ranges.mean() if mean is None else mean
        self.std = self.ranges.std() if std is None else std
        self.mirror = mirror

    def __len__(self):
        return len(self.motion)

    def normalized(self, i):
        ranges = (self.ranges[i] - self.mean) / self.std
        return ranges

    def __getitem__(self, i):
        first = i // STEPS * (STEPS + 1) + i % STEPS
        pair = [self.normalized(first), self.echo[first], self.normalized(first + 1), self.echo[first + 1]]
        scans, motion = torch.stack(pair, dim=1), self.motion[i]
        if self.mirror and random.random() < 0.5:
            scans = scans.flip(0).roll(1, 0)
            motion = motion * torch.tensor([1.0, -1.0, -1.0])
        return scans, motion


def conv_block(inputs, outputs, kernel, stride=1):
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, stride, padding, padding_mode="circular", bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
    )


class OdometryNet(nn.Module):
    def __init__(self, motion_mean, motion_std, channels=32):
        super().__init__()
        self.register_buffer("motion_mean", motion_mean)
        self.register_buffer("motion_std", motion_std)
        self.features = nn.Sequential(
            conv_block(4, channels, 9),
            conv_block(channels, channels, 5, stride=2),
            conv_block(channels, 2 * channels, 5, stride=2),
            conv_block(2 * channels, 2 * channels, 3, stride=2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(2 * channels * BEAMS // 8, 128), nn.ReLU(), nn.Linear(128, 6))

    def forward(self, scans):
        """Motion in m and rad, and the logarithm of its variance in units of the training spread."""
        mean, log_var = self.head(self.features(scans.transpose(1, 2))).chunk(2, dim=-1)
        return mean * self.motion_std + self.motion_mean, log_var


def beta_nll(error, log_var, beta=0.5):
    """Gaussian negative log-likelihood, weighted by variance ** beta (Seitzer et al. 2022)."""
    nll = 0.5 * (error**2 * torch.exp(-log_var) + log_var)
    return (nll * torch.exp(beta * log_var.detach())).mean()


def odometry_loss(motion, log_var, target, spread):
    shift_error = (motion[:, :2] - target[:, :2]) / spread[:2]
    turn_error = wrap(motion[:, 2] - target[:, 2]) / spread[2]
    return beta_nll(shift_error, log_var[:, :2]) + beta_nll(turn_error, log_var[:, 2])


@torch.no_grad()
def drift(model, pairs, poses):
    """Mean distance (m) of the dead-reckoned from the true position over the trajectories."""
    model.eval()
    motion = torch.cat([model(scans)[0] for scans, _ in DataLoader(pairs, batch_size=256)])
    motion = motion.reshape(len(poses), STEPS, 3).numpy()
    x, y, heading = poses[:, 0].T
    errors = []
    for t in range(STEPS):
        forward, left, turn = motion[:, t].T
        x = x + np.cos(heading) * forward - np.sin(heading) * left
        y = y + np.sin(heading) * forward + np.cos(heading) * left
        heading = heading + turn
        errors.append(np.hypot(x - poses[:, t + 1, 0], y - poses[:, t + 1, 1]))
    return float(np.mean(errors))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trajectories", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    train = ScanPairs(*record(args.trajectories, rng), mirror=True)
    val_poses, val_readings = record(40, rng)
    test_poses, test_readings = record(60, rng)
    val = ScanPairs(val_poses, val_readings, train.mean, train.std)
    test = ScanPairs(test_poses, test_readings, train.mean, train.std)
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True, drop_last=True)

    spread = train.motion.std(0)
    model = OdometryNet(train.motion.mean(0) * torch.tensor([1.0, 0.0, 0.0]), spread)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.epochs * len(loader))
    print(f"untrained: {drift(model, test, test_poses):.4f}")

    best, best_state = float("inf"), copy.deepcopy(model.state_dict())
    for epoch in range(args.epochs):
        model.train()
        for scans, target in loader:
            motion, log_var = model(scans)
            loss = odometry_loss(motion, log_var, target, spread)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        val_drift = drift(model, val, val_poses)
        print(f"epoch {epoch}: loss {loss.item():.3f}, validation drift {val_drift:.3f} m")
        if val_drift < best:
            best, best_state = val_drift, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    print(f"result: {drift(model, test, test_poses):.4f}")


if __name__ == "__main__":
    main()

"""Terrain class and walking speed of a legged robot from one second of IMU and joint encoder readings."""

import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

RATE = 100  # Hz
STAND = 150  # samples at the beginning of a recording in which the robot stands still
TERRAINS = ("concrete", "grass", "gravel", "sand", "stairs")
SHARE = np.array([0.40, 0.22, 0.16, 0.12, 0.10])
IMPACT = np.array([5.0, 3.4, 4.2, 2.0, 4.4])  # m/s^2 at touchdown
ROUGHNESS = np.array([0.35, 0.50, 0.85, 0.40, 0.50])  # m/s^2
WOBBLE = np.array([4.0, 7.5, 9.0, 8.0, 6.0])  # deg/s
SLIP = np.array([0.0, 0.05, 0.08, 0.25, 0.0])
TICKS_PER_RAD = 4096 / (2 * math.pi)
CHANNELS = 10


def smooth_noise(rng, length, width):
    kernel = np.hanning(width)
    return np.convolve(rng.normal(size=length), kernel / np.sqrt((kernel**2).sum()), mode="same")


def simulate_recording(rng, leg_length, seconds):
    """Return signals (acc m/s^2, gyro deg/s, encoders in ticks), terrain, speed (mm/s), tracked by motion capture."""
    length, begin = seconds * RATE, 0
    terrain = np.zeros(length, dtype=np.int64)
    pace, variation = np.zeros(length), np.ones((3, length))
    while begin < length:
        end = begin + int(rng.uniform(4, 9) * RATE)
        terrain[begin:end] = rng.choice(len(TERRAINS), p=SHARE)
        pace[begin:end] = rng.uniform(0.3, 1.5)
        variation[:, begin:end] = rng.lognormal(0.0, 0.17, size=(3, 1))
        begin = end
    pace = np.convolve(np.pad(pace, 50, mode="edge"), np.ones(101) / 101, mode="valid")
    walking = np.arange(length) >= STAND
    pace = walking * np.clip(pace + 0.08 * smooth_noise(rng, length, 150), 0.15, None)

    stride = leg_length * (1.0 + 0.5 * pace)
    phase = np.cumsum(2 * math.pi * pace / stride / RATE) + rng.uniform(0, 2 * math.pi)
    speed = pace * (1 - SLIP[terrain])
    stairs = terrain == TERRAINS.index("stairs")
    lift = np.where(stairs, 1.25, 1.0) * variation[2]
    pitch = np.where(stairs, 0.06, 0.0) * variation[0] * walking + 0.03 * smooth_noise(rng, length, 200)

    impact = IMPACT[terrain] * variation[0] * np.sqrt(pace)
    touchdown = np.exp(8 * (np.cos(2 * phase) - 1))
    rough = ROUGHNESS[terrain] * variation[1] * walking
    acc = np.stack([
        9.81 * np.sin(pitch) + 0.8 * pace * np.sin(2 * phase) + rough * rng.normal(size=length),
        0.6 * pace * np.sin(phase) + rough * rng.normal(size=length),
        9.81 + 1.5 * pace * np.cos(2 * phase) + impact * touchdown + rough * rng.normal(size=length),
    ], axis=1)
    gyro = (WOBBLE[terrain] * variation[2] * walking)[:, None] * np.stack([smooth_noise(rng, length, 12) for _ in range(3)], axis=1)
    gyro += pace[:, None] * np.stack([15 * np.sin(phase), 10 * np.cos(2 * phase), 8 * np.cos(phase)], axis=1)
    swing = np.arcsin(np.clip(stride / (4 * leg_length), 0, 0.9)) * walking
    legs = [(swing * np.sin(p), 0.5 * lift * swing * (1 + np.cos(p))) for p in (phase, phase + math.pi)]
    joints = np.stack([joint for leg in legs for joint in leg], axis=1)

    acc += rng.normal(0, 0.3, 3) + rng.normal(0, 0.15, acc.shape)
    gyro += rng.normal(0, 4.0, 3) + rng.normal(0, 1.0, gyro.shape)
    ticks = np.round((joints + rng.normal(0, 0.01, joints.shape)) * TICKS_PER_RAD + rng.uniform(500, 3500, 4))
    signals = np.concatenate([acc, gyro, ticks], axis=1)
    for start in rng.integers(STAND, length, size=seconds // 2):
        signals[start : start + rng.integers(1, 6)] = np.nan
    tracked = np.ones(length, dtype=bool)
    for start in rng.integers(0, length, size=seconds // 6):
        tracked[start : start + int(rng.uniform(1, 4) * RATE)] = False
    return signals, terrain, np.where(tracked, speed * 1000, 0.0), tracked


def fill_gaps(signals):
    """Repeat the last packet where packets were lost."""
    valid = ~np.isnan(signals[:, 0])
    last = np.maximum.accumulate(np.where(valid, np.arange(len(signals)), 0))
    return signals[last]


def load_recording(rng, leg_length, seconds):
    signals, terrain, speed, tracked = simulate_recording(rng, leg_length, seconds)
    signals = fill_gaps(signals)
    signals = signals - signals[:STAND].mean(axis=0)
    return signals[STAND:], terrain[STAND:], speed[STAND:], tracked[STAND:]


class GaitWindows(Dataset):
    def __init__(self, recordings, signal_std, speed_stats, window, hop, jitter=0):
        self.recordings = []
        for signals, terrain, speed, tracked in recordings:
            signals = (signals / signal_std).astype(np.float32)
            speed = ((speed - speed_stats[0]) / speed_stats[1]).astype(np.float32)
            self.recordings.append((signals, terrain, speed, tracked))
        self.window, self.jitter = window, jitter
        lengths = [len(signals) - window - jitter for signals, *_ in self.recordings]
        self.index = [(number, start) for number, length in enumerate(lengths) for start in range(0, length, hop)]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, item):
        number, start = self.index[item]
        if self.jitter:
            start += int(torch.randint(self.jitter, ()))
        signals, terrain, speed, tracked = self.recordings[number]
        middle = start + self.window // 2
        return signals[start : start + self.window], terrain[middle], speed[middle], tracked[middle]


class DilatedBlock(nn.Module):
    def __init__(self, channels, dilation, dropout):
        super().__init__()
        self.conv1 = nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation, bias=False)
        self.norm1 = nn.BatchNorm1d(channels)
        self.conv2 = nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation, bias=False)
        self.norm2 = nn.BatchNorm1d(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        h = self.dropout(F.relu(self.norm1(self.conv1(x))))
        return F.relu(x + self.norm2(self.conv2(h)))


class GaitTCN(nn.Module):
    def __init__(self, channels, width=32, dilations=(1, 2, 4), dropout=0.1):
        super().__init__()
        self.stem = nn.Conv1d(channels, width, 5, stride=2, padding=2)
        self.blocks = nn.ModuleList([DilatedBlock(width, d, dropout) for d in dilations])
        self.shared = nn.Sequential(nn.Linear(2 * width, 64), nn.ReLU(), nn.Dropout(dropout))
        self.terrain_head = nn.Linear(64, len(TERRAINS))
        self.speed_head = nn.Linear(64, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, signals):
        x = F.relu(self.stem(signals.transpose(1, 2)))
        for block in self.blocks:
            x = block(x)
        pooled = torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1)
        features = self.shared(pooled)
        return self.terrain_head(features), self.speed_head(features).squeeze(-1)


@torch.no_grad()
def evaluate(model, loader, speed_stats):
    """Return the error rate averaged over terrains and the mean absolute error of the speed in m/s."""
    model.eval()
    hits, counts = torch.zeros(len(TERRAINS)), torch.zeros(len(TERRAINS))
    errors = []
    for signals, terrain, speed, tracked in loader:
        logits, predicted = model(signals)
        hit = (logits.argmax(dim=-1) == terrain).float()
        hits.index_add_(0, terrain, hit)
        counts.index_add_(0, terrain, torch.ones_like(hit))
        errors.append((predicted.float() - speed)[tracked].abs() * speed_stats[1] / 1000)
    return 1 - (hits / counts).mean().item(), torch.cat(errors).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--window", type=int, default=128)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    leg_lengths = [0.28, 0.34, 0.45]  # m, one per robot
    recordings = [load_recording(rng, leg_lengths[n % 3], 45) for n in range(48)]
    train_recordings, test_recordings = recordings[:36], recordings[36:]

    signal_std = np.concatenate([signals for signals, *_ in train_recordings]).std(axis=0)
    train_speed = np.concatenate([speed[tracked] for _, _, speed, tracked in train_recordings])
    speed_stats = (train_speed.mean(), train_speed.std())
    train_set = GaitWindows(train_recordings, signal_std, speed_stats, args.window, hop=32, jitter=32)
    test_set = GaitWindows(test_recordings, signal_std, speed_stats, args.window, hop=64)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=256)

    counts = np.bincount(np.concatenate([terrain for _, terrain, *_ in train_recordings]), minlength=len(TERRAINS))
    class_weights = torch.tensor(counts.sum() / (len(TERRAINS) * counts), dtype=torch.float32)

    model = GaitTCN(CHANNELS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.65)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bfloat16")

    error_rate, speed_error = evaluate(model, test_loader, speed_stats)
    print(f"untrained: {error_rate + speed_error:.4f}")
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for signals, terrain, speed, tracked in train_loader:
            optimizer.zero_grad()
            with autocast:
                logits, predicted = model(signals)
            terrain_loss = F.cross_entropy(logits.float(), terrain, weight=class_weights)
            deviation = F.smooth_l1_loss(predicted.float(), speed, reduction="none")
            speed_loss = (deviation * tracked).sum() / tracked.sum().clamp(min=1)
            loss = terrain_loss + speed_loss
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        error_rate, speed_error = evaluate(model, test_loader, speed_stats)
        print(f"epoch {epoch + 1}: loss {total / len(train_loader):.3f}, terrain {error_rate:.3f}, {speed_error:.3f} m/s")
    print(f"result: {error_rate + speed_error:.4f}")


if __name__ == "__main__":
    main()

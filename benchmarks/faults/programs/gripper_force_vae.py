"""Anomaly detection in pick cycles of a parallel gripper: a convolutional beta-VAE of wrist force/torque windows."""

import argparse
import copy
import math

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.utils.data import DataLoader, Dataset

RATE_HZ, LENGTH = 50, 64
CHANNELS = ["fx_N", "fy_N", "fz_N", "tx_Nm", "ty_Nm", "tz_Nm", "grip_N"]
SENSOR_NOISE = np.array([0.12, 0.12, 0.2, 0.012, 0.012, 0.006, 0.25])
ZERO_LOAD = np.array([3.1, -5.4, -14.6, 0.42, -0.31, 0.08, 0.9])  # weight of the gripper and bias of the sensor
GRAVITY = 9.81
# mass kg, centre of mass x/y m, lever arm m, recipe's grip force N, sway Hz
PARTS = [
    [0.18, 0.004, -0.010, 0.11, 9.0, 5.0],
    [0.35, -0.022, 0.006, 0.13, 14.0, 4.4],
    [0.60, 0.012, 0.025, 0.12, 19.0, 3.9],
    [0.95, -0.015, -0.018, 0.15, 27.0, 3.4],
    [1.30, 0.028, 0.003, 0.14, 34.0, 2.9],
    [1.70, -0.006, 0.014, 0.17, 42.0, 2.5],
]


def simulate_order(part, count, fault_share, rng):
    """Windows (count, LENGTH, 7) of one production order, raw as logged, and whether each cycle went wrong."""

    def draw(low, high):
        return rng.uniform(low, high, (count, 1))

    t = np.arange(LENGTH)[None, :] / RATE_HZ
    mass, com_x, com_y, arm, recipe, sway_hz = PARTS[part]
    mass = mass * draw(0.95, 1.05)
    com_x, com_y = com_x + draw(-0.004, 0.004), com_y + draw(-0.004, 0.004)
    faulty = rng.random(count) < fault_share
    kind = np.where(faulty, rng.integers(0, 5, count), -1)[:, None]
    event = draw(0.75, 1.05)
    since = np.clip(t - event, 0, None)
    contact, lift, lift_time = draw(0.17, 0.23), draw(0.52, 0.58), draw(0.34, 0.4)
    closed = np.clip(t - contact, 0, None)
    grip = recipe * draw(0.95, 1.05) * (1 - np.exp(-closed / draw(0.07, 0.1)))
    grip *= np.where(kind == 0, 1 - draw(0.12, 0.3) * (1 - np.exp(-since / 0.15)), 1)  # pressure leak
    s = np.clip((t - lift) / lift_time, 0, 1)
    acceleration = 0.06 / lift_time**2 * (60 * s - 180 * s**2 + 120 * s**3)
    carried = np.clip((t - lift) / 0.12, 0, 1)
    fz = -mass * (GRAVITY * carried + acceleration)
    sway = carried * np.exp(-np.clip(t - lift, 0, None) / draw(0.4, 0.7))
    phase = 2 * np.pi * sway_hz * (t - lift)
    fx = mass * draw(0.2, 0.7) * sway * np.sin(phase + draw(0, 0.8)) + 0.04 * draw(-1, 1) * grip
    fy = mass * draw(0.2, 0.7) * sway * np.cos(phase + draw(0, 0.8))

    chatter = np.sin(2 * np.pi * draw(11, 17) * since) * np.exp(-since / 0.12) * (since > 0)
    chatter *= np.where(kind == 1, 0.5 + draw(0.1, 0.25) * mass * GRAVITY, 0)  # micro slip
    fz, grip = fz + chatter, grip + 0.8 * chatter
    bump = draw(1.0, 2.5) * np.exp(-(((t - event) / 0.03) ** 2))
    fy = fy + np.where(kind == 2, bump, 0)  # collision at the fingertip
    snag = draw(1.0, 2.5) * np.clip(since / 0.3, 0, 1)
    fx = fx + np.where(kind == 3, snag, 0)  # hose caught
    turn = np.where(kind == 4, draw(0.008, 0.02) * (1 - np.exp(-since / 0.1)), 0)  # part turns in the fingers
    tx = (com_y - turn) * fz - arm * fy + np.where(kind == 2, -0.05 * bump, 0)
    ty = arm * fx - (com_x + turn) * fz + np.where(kind == 3, -0.07 * snag, 0)
    tz = com_x * fy - com_y * fx + 0.002 * draw(-1, 1) * grip
    windows = np.stack([fx, fy, fz, tx, ty, tz, grip], axis=-1)
    drift = 4 * rng.standard_normal((count, 1, len(CHANNELS)))
    windows += ZERO_LOAD + SENSOR_NOISE * (drift + rng.standard_normal(windows.shape))
    return windows.astype(np.float32), faulty


def tare(windows, samples=5):
    """Remove what the sensor shows before the fingers touch the part."""
    return windows - windows[:, :samples].mean(axis=1, keepdims=True)


def simulate_log(cycles_per_part, fault_share, rng):
    windows, faulty = zip(*(simulate_order(part, cycles_per_part, fault_share, rng) for part in range(len(PARTS))))
    return tare(np.concatenate(windows)), np.concatenate(faulty)


class CycleDataset(Dataset):
    def __init__(self, windows, mean, std):
        self.windows = torch.as_tensor(windows, dtype=torch.float32)
        self.mean = torch.as_tensor(mean, dtype=torch.float32)
        self.std = torch.as_tensor(std, dtype=torch.float32)

    def __len__(self):
        return len(self.windows)

    def __getitem__(self, index):
        window = (self.windows[index] - self.mean) / self.std
        return window.transpose(0, 1)  # channels first


def conv_block(channels_in, channels_out, kernel, stride):
    return nn.Sequential(
        nn.Conv1d(channels_in, channels_out, kernel, stride, padding=(kernel - 1) // 2, bias=False),
        nn.BatchNorm1d(channels_out),
        nn.SiLU(),
    )


def dense_block(features_in, features_out):
    return nn.Sequential(nn.Linear(features_in, features_out, bias=False), nn.BatchNorm1d(features_out), nn.SiLU())


class ForceVAE(nn.Module):
    def __init__(self, channels=len(CHANNELS), width=256, latent=12):
        super().__init__()
        self.encoder = nn.Sequential(
            conv_block(channels, 32, kernel=7, stride=2),
            conv_block(32, 48, kernel=5, stride=4),
            nn.Flatten(),
            dense_block(48 * LENGTH // 8, width),
        )
        self.posterior = nn.Linear(width, 2 * latent)
        self.decoder = nn.Sequential(dense_block(latent, width), dense_block(width, width))
        self.mean_head = nn.Linear(width, channels * LENGTH)
        self.log_std_head = nn.Linear(width, channels * LENGTH)

    def forward(self, x):
        mu, logvar = self.posterior(self.encoder(x)).chunk(2, dim=1)
        q = Normal(mu, torch.exp(0.5 * logvar.clamp(-12, 6)))
        z = q.rsample() if self.training else q.mean
        h = self.decoder(z)
        mean = self.mean_head(h).view_as(x)
        log_std = self.log_std_head(h).view_as(x).clamp(-4, 2)
        return mean, log_std, q


def elbo_terms(x, mean, log_std, q):
    """Negative log-likelihood of the window and KL to the unit Gaussian, each averaged over the batch."""
    error = (x - mean) / log_std.exp()
    nll = (0.5 * error**2 + log_std).sum(dim=(1, 2)).mean()
    kl = kl_divergence(q, Normal(torch.zeros_like(q.mean), torch.ones_like(q.stddev))).sum(dim=1).mean()
    return nll, kl


@torch.no_grad()
def validation_loss(accelerator, model, loader, beta):
    model.eval()
    losses = [nll + beta * kl for x in loader for nll, kl in [elbo_terms(x, *model(x))]]
    return accelerator.reduce(torch.stack(losses).mean(), reduction="mean").item()


@torch.no_grad()
def detection_error(accelerator, model, loader, faulty):
    """100 (1 - AUROC): share of pairs of a faulty and a sound cycle that the anomaly score ranks wrongly."""
    model.eval()
    scores = []
    for x in loader:
        mean, log_std, _ = model(x)
        z_score = (x - mean) / log_std.exp()
        scores.append(accelerator.gather_for_metrics(z_score.square().mean(dim=(1, 2))))
    scores = torch.cat(scores).double().cpu().numpy()
    sound, bad = scores[~faulty], scores[faulty]
    wins = (bad[:, None] > sound[None, :]).mean() + 0.5 * (bad[:, None] == sound[None, :]).mean()
    return 100 * (1 - wins)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--beta", type=float, default=1.0)
    args = parser.parse_args()
    accelerator = Accelerator()
    set_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    train_windows, flagged = simulate_log(500, 0.1, rng)
    train_windows = train_windows[~flagged]
    val_windows, _ = simulate_log(40, 0.0, rng)
    test_windows, test_faulty = simulate_log(120, 0.5, rng)
    mean, std = train_windows.mean(axis=(0, 1)), train_windows.std(axis=(0, 1))

    train_set = CycleDataset(train_windows, mean, std)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    val_loader = DataLoader(CycleDataset(val_windows, mean, std), batch_size=240)
    test_loader = DataLoader(CycleDataset(test_windows, mean, std), batch_size=240)

    model = ForceVAE()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    total_steps = args.epochs * len(train_loader)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=total_steps, pct_start=0.15)
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
    train_loader, val_loader, test_loader = accelerator.prepare(train_loader, val_loader, test_loader)
    accelerator.print(f"untrained: {detection_error(accelerator, model, test_loader, test_faulty):.3f}")

    warmup_steps = 0.4 * total_steps
    step, best_loss, best_state = 0, math.inf, None
    for epoch in range(args.epochs):
        model.train()
        for x in train_loader:
            nll, kl = elbo_terms(x, *model(x))
            beta = args.beta * min(1.0, step / warmup_steps)
            loss = nll + beta * kl
            optimizer.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 100.0)
            optimizer.step()
            scheduler.step()
            step += 1
        val_loss = validation_loss(accelerator, model, val_loader, args.beta)
        if val_loss < best_loss:
            best_loss, best_state = val_loss, copy.deepcopy(accelerator.unwrap_model(model).state_dict())
        accelerator.print(f"epoch {epoch + 1:2d}  nll {nll.item():.1f}  kl {kl.item():.1f}  validation {val_loss:.1f}")

    accelerator.unwrap_model(model).load_state_dict(best_state)
    accelerator.print(f"result: {detection_error(accelerator, model, test_loader, test_faulty):.3f}")


if __name__ == "__main__":
    main()

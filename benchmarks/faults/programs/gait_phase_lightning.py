"""Gait phase and joint angles 240 ms ahead for a hip-knee exoskeleton, by a causal transformer, for unseen wearers."""

import argparse
from dataclasses import dataclass

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import nn
from torch.utils.data import DataLoader, Dataset

RATE = 50.0  # Hz
WINDOW = 50  # samples
AHEAD = 12  # samples
LEAD = 4.0  # seconds of walking before and after the part that is logged


@dataclass
class Trial:
    sensors: np.ndarray  # (T, 8), left and right thigh: gyroscope [deg/s], accelerometer x, y [m/s^2], cuff [N]
    angles: np.ndarray  # (T, 4): left hip, left knee, right hip, right knee [deg]
    strikes: np.ndarray  # left heel strikes on the clock of the motion capture [s]
    clock_offset: float  # motion capture clock minus exoskeleton clock, from the sync pulse [s]
    stride: np.ndarray  # (T,): true position in the stride, 0 to 1


class Wearer:
    """A person's gait, and how the sensors happen to sit on the body."""

    def __init__(self, rng):
        self.rng = rng
        self.mass, self.cadence = rng.uniform(52, 98), rng.uniform(0.65, 1.05)
        self.swing = np.array([22.0, 4.0, 19.0, 16.0]) * rng.uniform(0.75, 1.3, 4)
        self.lag = rng.normal(0, 0.12, 4)
        self.asymmetry, self.preload = rng.normal(0.5, 0.02), rng.uniform(30, 90, 2)
        self.tilt = rng.normal(0, 0.25, 2)

    def leg(self, stride):
        turn = 2 * np.pi * stride
        a, b, c, d = self.swing
        hip = 8 + a * np.cos(turn + self.lag[0]) + b * np.cos(2 * turn + 1.0 + self.lag[1])
        knee = 26 - c * np.sin(turn + self.lag[2]) - d * np.cos(2 * turn - 0.6 + self.lag[3])
        return hip, knee

    def walk(self, seconds):
        rng, margin = self.rng, int(LEAD * RATE)
        count = int(seconds * RATE) + 2 * margin
        drift = np.cumsum(rng.normal(0, 0.012, count))
        pace = np.clip(self.cadence * rng.uniform(0.8, 1.2) * np.exp(drift - drift.mean()), 0.45, 1.5)
        turns = rng.uniform() + np.cumsum(pace) / RATE
        clock = np.arange(count) / RATE - LEAD
        strikes = np.interp(np.arange(np.ceil(turns[0]), turns[-1]), turns, clock)

        angles = np.stack([*self.leg(turns), *self.leg(turns + self.asymmetry)], axis=1)
        angles *= np.clip(pace / self.cadence, 0.7, 1.3)[:, None] ** 0.4
        hips = np.deg2rad(angles[:, [0, 2]])
        rates = np.gradient(hips, axis=0) * RATE
        gyros = np.rad2deg(rates) + rng.normal(0, 50, hips.shape)
        axial = 9.81 * np.cos(hips + self.tilt) + 0.3 * rates**2 + rng.normal(0, 2, hips.shape)
        sagittal = 9.81 * np.sin(hips + self.tilt) + rng.normal(0, 4, hips.shape)
        cuffs = self.preload + 0.9 * self.mass * np.abs(hips) + rng.normal(0, 12, hips.shape)

        logged = slice(margin, count - margin)
        sensors = np.concatenate([gyros, axial, sagittal, cuffs], axis=1)[logged].astype(np.float32)
        offset = rng.uniform(0.1, 0.5)
        return Trial(sensors, angles[logged].astype(np.float32), strikes + offset, offset, turns[logged] % 1)


def stride_labels(trial):
    """Share of the stride that has passed at each sample, linear between two heel strikes."""
    strikes = trial.strikes - trial.clock_offset
    clock = np.arange(len(trial.sensors)) / RATE
    last = np.searchsorted(strikes, clock, side="right") - 1
    return (clock - strikes[last]) / (strikes[last + 1] - strikes[last])


class Scaling:
    def __init__(self, trials):
        sensors = np.concatenate([trial.sensors for trial in trials])
        angles = np.concatenate([trial.angles for trial in trials])
        self.sensor_mean, self.sensor_std = sensors.mean(axis=0), sensors.std(axis=0)
        self.angle_mean, self.angle_std = angles.mean(axis=0), angles.std(axis=0)

    def sensors(self, values):
        return (values - self.sensor_mean) / self.sensor_std

    def angles(self, values):
        return (values - self.angle_mean) / self.angle_std

    def degrees(self, values):
        return values * self.angle_std + self.angle_mean


class GaitWindows(Dataset):
    def __init__(self, trials, scaling, hop):
        self.trials, self.scaling = trials, scaling
        self.labels = [stride_labels(trial) for trial in trials]
        starts = [range(0, len(trial.sensors) - WINDOW - AHEAD, hop) for trial in trials]
        self.places = [(number, start) for number, part in enumerate(starts) for start in part]

    def __len__(self):
        return len(self.places)

    def __getitem__(self, item):
        number, start = self.places[item]
        trial, stop = self.trials[number], start + WINDOW
        turn = 2 * np.pi * self.labels[number][start:stop]
        phase = np.stack([np.sin(turn), np.cos(turn)], axis=-1).astype(np.float32)
        sensors = self.scaling.sensors(trial.sensors[start:stop])
        angles = self.scaling.angles(trial.angles[start + AHEAD : stop + AHEAD])
        return sensors, phase, angles


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def attend(self, x):
        batch, steps, width = x.shape
        shape = (batch, steps, self.heads, width // self.heads)
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, steps, width))

    def forward(self, x):
        x = x + self.dropout(self.attend(self.norm1(x)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class GaitTransformer(L.LightningModule):
    def __init__(self, channels=8, joints=4, width=32, heads=4, depth=2, dropout=0.05, lr=3e-3, weight_decay=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.embed = nn.Linear(channels, width)
        self.position = nn.Parameter(torch.randn(WINDOW, width) * 0.1)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.phase_head = nn.Linear(width, 2)
        self.angle_head = nn.Linear(width, joints)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.angle_head.weight)  # starts at the mean pose

    def forward(self, sensors):
        x = self.embed(sensors) + self.position[: sensors.shape[1]]
        x = self.norm(self.blocks(x))
        return self.phase_head(x), self.angle_head(x)

    def loss(self, batch):
        sensors, phase, angles = batch
        phase_hat, angles_hat = self(sensors)
        phase_loss = (1 - F.cosine_similarity(phase_hat, phase, dim=-1)).mean()
        return phase_loss + F.mse_loss(angles_hat, angles)

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.loss(batch), prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay)
        warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 40))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": warmup, "interval": "step"}}


@torch.no_grad()
def streaming_error(model, trials, scaling, hop=10):
    """Error at the newest sample: phase in percent of a stride plus angles in degrees."""
    model.eval()
    misses, deviations = [], []
    for trial in trials:
        newest = np.arange(WINDOW - 1, len(trial.sensors) - AHEAD, hop)
        windows = np.stack([trial.sensors[now - WINDOW + 1 : now + 1] for now in newest])
        phase, angles = model(torch.from_numpy(scaling.sensors(windows)))
        sine, cosine = phase[:, -1].numpy().T
        miss = np.arctan2(sine, cosine) / (2 * np.pi) - trial.stride[newest]
        misses.append(np.abs((miss + 0.5) % 1 - 0.5).mean() * 100)
        deviations.append(np.abs(scaling.degrees(angles[:, -1].numpy()) - trial.angles[newest + AHEAD]).mean())
    model.train()
    print(f"phase {np.mean(misses):.2f} % of a stride, angles {np.mean(deviations):.2f} deg")
    return np.mean(misses) + np.mean(deviations)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    L.seed_everything(args.seed)

    rng = np.random.default_rng(args.seed)
    recordings = [[wearer.walk(15) for _ in range(3)] for wearer in (Wearer(rng) for _ in range(30))]
    train, val, test = (sum(part, []) for part in (recordings[:20], recordings[20:22], recordings[22:]))
    scaling = Scaling(train)
    train_loader = DataLoader(GaitWindows(train, scaling, hop=8), batch_size=32, shuffle=True, drop_last=True)
    val_loader = DataLoader(GaitWindows(val, scaling, hop=30), batch_size=64)

    model = GaitTransformer()
    print(f"untrained: {streaming_error(model, test, scaling):.4f}")
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=2,
        gradient_clip_val=1.0,
        callbacks=[EMAWeightAveraging(decay=0.95)],
        **dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False),
    )
    trainer.fit(model, train_loader, val_loader)
    print(f"result: {streaming_error(model, test, scaling):.4f}")


if __name__ == "__main__":
    main()

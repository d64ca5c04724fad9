"""Hear the wear (backlash in um) and the fault of a robot's joint motors, from log spectrograms of short clips."""

import argparse

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, Dataset

RATE, CLIP = 8000, 4096  # Hz, samples
BANDS, WINDOW, HOP = 48, 512, 128
FAULTS = ("none", "outer-race", "gear-tooth", "unbalance", "brush")
FAULT_SHARE = (0.4, 0.15, 0.15, 0.15, 0.15)
REFERENCE = 20e-6  # Pa, 0 dB of sound pressure


def ring(rng, rate_hz, resonance_hz, decay_s):
    """Return the sound of a resonance that is hit `rate_hz` times a second."""
    hits = np.zeros(CLIP)
    at = np.cumsum(rng.normal(1.0, 0.03, int(CLIP / RATE * rate_hz) + 2) / rate_hz * RATE).astype(int)
    hits[at[at < CLIP]] = 1.0
    t = np.arange(200) / RATE
    return np.convolve(hits, np.exp(-t / decay_s) * np.sin(2 * np.pi * resonance_hz * t))[:CLIP]


def record_clip(rng, motor, wear_um):
    """Simulate the sound pressure (Pa) of one clip."""
    t = np.arange(CLIP) / RATE
    shaft, load = rng.uniform(14.0, 40.0), rng.uniform(0.3, 1.0)  # Hz, share of the rated torque
    turns = 2 * np.pi * (shaft * t + rng.uniform(-4.0, 4.0) * t**2)
    worn = wear_um / 100.0
    sound = 0.02 * rng.normal(size=CLIP) * (0.6 + shaft / 40.0)
    for harmonic in (1, 2, 3):
        mesh = 0.05 * load * (0.3 + worn * (harmonic - 0.5)) / harmonic**1.5
        sound += mesh * np.sin(harmonic * motor["teeth"] * turns + 0.8 * worn * np.sin(turns))
    sound += 0.018 * worn * load * np.diff(rng.normal(size=CLIP + 1)) * (1 + 0.5 * np.sin(turns))
    severity = (0.35 + 0.5 * worn) * motor["severity"]
    if motor["fault"] == "outer-race":
        sound += 0.16 * severity * ring(rng, 3.05 * shaft, motor["bearing_hz"], 0.003)
    elif motor["fault"] == "gear-tooth":
        sound += 0.30 * severity * ring(rng, shaft, motor["gear_hz"], 0.005)
    elif motor["fault"] == "unbalance":
        sound += 0.10 * severity * (shaft / 25.0) ** 2 * (np.sin(turns) + 0.5 * np.sin(2 * turns))
    elif motor["fault"] == "brush":
        sound += 0.20 * severity * rng.normal(size=CLIP) * (rng.random(CLIP) < 0.02)
    return sound * 10 ** (rng.normal(0.0, 3.0) / 20)


def mel_filters():
    """Return triangular filters, (BANDS, bins), evenly spaced in mel."""
    mel = np.linspace(0.0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    f = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    return torch.tensor(np.minimum((f - low) / (mid - low), (high - f) / (high - mid)).clip(0.0), dtype=torch.float32)


def record_lives(rng, motors, clips_per_motor=16):
    """Record motors from new to worn out; return spectrograms (dB), wear (um) and classes of faults."""
    sounds, wear, faults = [], [], []
    for kind in np.sort(rng.choice(len(FAULTS), size=motors, p=FAULT_SHARE)):
        motor = {"fault": FAULTS[kind], "teeth": int(rng.integers(17, 30)), "severity": rng.uniform(0.7, 1.5)}
        motor |= {"bearing_hz": rng.uniform(2300.0, 3000.0), "gear_hz": rng.uniform(900.0, 1500.0)}
        worn_out = rng.uniform(120.0, 220.0)
        for life in np.linspace(0.0, 1.0, clips_per_motor):
            wear.append(20.0 + (worn_out - 20.0) * life**1.5)
            faults.append(int(kind))
            sounds.append(record_clip(rng, motor, wear[-1]))
    sounds = torch.tensor(np.stack(sounds), dtype=torch.float32)
    bins = torch.stft(sounds, WINDOW, HOP, window=torch.hann_window(WINDOW), center=False, return_complex=True)
    power = mel_filters() @ (bins.abs() / WINDOW).square()
    level_db = 10 * torch.log10(power / REFERENCE**2 + 1.0)
    return level_db, torch.tensor(wear), torch.tensor(faults)


class ClipDataset(Dataset):
    def __init__(self, specs, wear, faults, level, augment=False):
        self.specs, self.wear, self.faults = specs, wear, faults
        (self.mean, self.std), self.augment = level, augment

    def __len__(self):
        return len(self.specs)

    def __getitem__(self, index):
        spec = self.specs[index]
        spec = (spec - self.mean) / self.std
        if self.augment:
            spec = spec.roll(int(torch.randint(spec.shape[1], ())), dims=1) + 0.1 * torch.randn(())
        return spec[None], self.wear[index], self.faults[index]


class MotorSounds(L.LightningDataModule):
    def __init__(self, seed=0, batch_size=48):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage=None):
        if hasattr(self, "train"):
            return
        rng = np.random.default_rng(self.hparams.seed)
        specs, wear, faults = record_lives(rng, motors=90)
        level = specs.mean((0, 2))[:, None], specs.std((0, 2))[:, None]
        self.wear_mean, self.wear_std = wear.mean().item(), wear.std().item()
        self.fault_counts = torch.bincount(faults, minlength=len(FAULTS)).float()
        self.train = ClipDataset(specs, wear, faults, level, augment=True)
        self.val = ClipDataset(*record_lives(rng, motors=30), level)
        self.test = ClipDataset(*record_lives(rng, motors=30), level)

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.hparams.batch_size, shuffle=True, drop_last=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=128)


class MotorNet(nn.Module):
    """Shared convolutions over the spectrogram, then a head for the wear and one for the fault."""

    def __init__(self, width=16, dropout=0.2):
        super().__init__()
        layers, channels = [], [1, width, 2 * width, 4 * width]
        for inputs, outputs in zip(channels[:-1], channels[1:]):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.ear = nn.Sequential(*layers)
        self.frame = nn.Sequential(nn.Linear(channels[-1] * BANDS // 8, 64), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.wear_head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
        self.fault_head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, len(FAULTS)))

    def forward(self, spec):
        frames = self.ear(spec).permute(0, 3, 1, 2).flatten(2)
        features = self.dropout(self.frame(frames).mean(dim=1))
        return self.wear_head(features).squeeze(-1), self.fault_head(features)


class MotorMonitor(L.LightningModule):
    def __init__(self, wear_mean, wear_std, fault_counts, lr=3e-3, weight_decay=1e-2, wear_weight=1.0):
        super().__init__()
        self.save_hyperparameters(ignore=["fault_counts"])
        self.net = MotorNet()
        self.register_buffer("class_weight", fault_counts.sum() / (len(FAULTS) * fault_counts.clamp(min=1)))

    def forward(self, spec):
        wear, logits = self.net(spec)
        return wear * self.hparams.wear_std + self.hparams.wear_mean, logits

    def losses(self, batch, stage):
        spec, wear_um, fault = batch
        target = (wear_um - self.hparams.wear_mean) / self.hparams.wear_std
        wear, logits = self.net(spec)
        wear_loss = F.mse_loss(wear, target)
        fault_loss = F.cross_entropy(logits, fault, weight=self.class_weight)
        loss = self.hparams.wear_weight * wear_loss + fault_loss
        self.log_dict({f"{stage}/loss": loss, f"{stage}/wear": wear_loss, f"{stage}/fault": fault_loss})
        return loss

    def training_step(self, batch):
        return self.losses(batch, "train")

    def validation_step(self, batch):
        self.losses(batch, "val")

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay)
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.hparams.lr, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


@torch.no_grad()
def held_out_error(model, loader):
    """Half the wear's RMSE as a share of its spread (um / um), half the faults' error rate, averaged over classes."""
    model.eval()
    estimates, guesses = zip(*[model(spec) for spec, _, _ in loader])
    model.train()
    wear, guess = torch.cat(estimates).flatten(), torch.cat(guesses).argmax(dim=-1)
    rmse = (wear - loader.dataset.wear).square().mean().sqrt()
    faults = loader.dataset.faults
    missed = torch.stack([(guess[faults == kind] != kind).float().mean() for kind in faults.unique()]).mean()
    print(f"wear +-{rmse:.1f} um, {missed:.1%} of the faults missed")
    return (0.5 * rmse / loader.dataset.wear.std() + 0.5 * missed).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", default="runs/motor_sound")
    args = parser.parse_args()
    L.seed_everything(args.seed, workers=True)

    data = MotorSounds(args.seed)
    data.setup()
    model = MotorMonitor(data.wear_mean, data.wear_std, data.fault_counts)
    test = DataLoader(data.test, batch_size=128)
    print(f"untrained: {held_out_error(model, test):.4f}")

    checkpoint = ModelCheckpoint(f"{args.out}/checkpoints", monitor="val/loss", mode="min")
    trainer = L.Trainer(
        max_epochs=args.epochs,
        accelerator="cpu",
        gradient_clip_val=1.0,
        logger=CSVLogger(args.out),
        callbacks=[checkpoint, LearningRateMonitor("step")],
        log_every_n_steps=10,
        enable_progress_bar=False,
    )
    trainer.fit(model, datamodule=data)
    model.load_state_dict(torch.load(checkpoint.best_model_path, weights_only=True)["state_dict"])
    print(f"result: {held_out_error(model, test):.4f}")


if __name__ == "__main__":
    main()

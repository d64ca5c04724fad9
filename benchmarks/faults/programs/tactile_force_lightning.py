"""Contact force and contact position from images of a camera-based tactile fingertip (a gel, three LEDs)."""

import argparse
import logging
import warnings

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

SIZE = 24  # pixels
PITCH = 0.7  # mm per pixel
FORCE_RANGE = 6000.0  # mN
POSITION_RANGE = 12.0  # mm
FRAME_RATE, CELL_RATE = 30.0, 400.0  # Hz
CAMERA_LATENCY = 0.085  # s, from exposure to the time stamp
CONTACT_THRESHOLD = 120.0  # mN
SENSOR_ORIGIN = np.array([412.5, -83.0])  # mm, in the frame of the robot
LED_ANGLES = np.deg2rad([90.0, 210.0, 330.0])


def render(force, position, radius, rng):
    """Camera frames (N, H, W, 3), uint8, for forces in mN, positions in mm and indenter radii in mm."""
    depth = (force / 1000 / (4 / 3 * 1.8 * np.sqrt(radius))) ** (2 / 3)
    width = np.sqrt(radius * np.maximum(depth, 1e-6)) + 0.3
    axis = (np.arange(SIZE) - (SIZE - 1) / 2) * PITCH
    dx = axis[None, None, :] - position[:, 0, None, None]
    dy = axis[None, :, None] - position[:, 1, None, None]
    profile = depth[:, None, None] * np.exp(-(dx**2 + dy**2) / (2 * width[:, None, None] ** 2))
    slope_x, slope_y = -dx * profile / width[:, None, None] ** 2, -dy * profile / width[:, None, None] ** 2
    shading = np.stack([np.cos(a) * slope_x + np.sin(a) * slope_y for a in LED_ANGLES], axis=-1)
    frames = background() + 60 * shading - 14 * profile[..., None]
    frames = frames * rng.normal(1.0, 0.01, (len(frames), 1, 1, 3)) + rng.normal(0, 3.0, frames.shape)
    return np.clip(np.round(frames), 0, 255).astype(np.uint8)


def background():
    ramp = np.linspace(-1, 1, SIZE)
    return np.stack([105 + 35 * (np.cos(a) * ramp[None, :] + np.sin(a) * ramp[:, None]) for a in LED_ANGLES], axis=-1)


def record_presses(count, rng, frames_per_press=12):
    """A robot presses indenters into the gel; camera and load cell run on clocks of their own."""
    videos, stamps, cells, poses = {}, [], [], []
    for press in range(count):
        start = 7.0 * press
        duration = frames_per_press / FRAME_RATE
        peak, radius = rng.uniform(500, FORCE_RANGE), rng.uniform(2.5, 6.0)
        position = rng.uniform(-POSITION_RANGE / 2, POSITION_RANGE / 2, 2)
        skew = rng.uniform(0.7, 1.4)

        def force_at(t, start=start, peak=peak, duration=duration, skew=skew):
            phase = np.clip((t - start) / duration, 0, 1) ** skew
            return peak * np.sin(np.pi * phase)

        exposure = start + (np.arange(frames_per_press) + rng.uniform()) / FRAME_RATE
        cell_time = np.arange(start - 0.2, start + duration + 0.4, 1 / CELL_RATE)
        cell_force = force_at(cell_time) + rng.normal(0, 25.0, len(cell_time))
        place, size = np.repeat(position[None], frames_per_press, 0), np.full(frames_per_press, radius)
        videos[f"press_{press}.npy"] = render(force_at(exposure), place, size, rng)
        stamps.append(exposure + CAMERA_LATENCY)
        cells.append((cell_time, cell_force))
        poses.append(SENSOR_ORIGIN + position)
    return videos, stamps, cells, poses


def bench_test(count, rng):
    """Static weights at surveyed positions."""
    force = rng.uniform(200, FORCE_RANGE, count)
    position = rng.uniform(-POSITION_RANGE / 2, POSITION_RANGE / 2, (count, 2))
    return render(force, position, rng.uniform(2.5, 6.0, count), rng), np.column_stack([force, position])


def to_input(frames):
    """Difference to the picture without contact, channels first."""
    reference = np.round(background()).astype(np.uint8)
    difference = frames.astype(np.float32) - reference.astype(np.float32)
    return torch.from_numpy(difference).permute(0, 3, 1, 2).contiguous() / 32.0


class PressData(L.LightningDataModule):
    def __init__(self, presses, batch_size, seed):
        super().__init__()
        self.presses, self.batch_size, self.seed = presses, batch_size, seed

    def prepare(self):
        rng = np.random.default_rng(self.seed)
        videos, stamps, cells, poses = record_presses(self.presses, rng)
        names = sorted(videos, key=lambda name: int(name.removesuffix(".npy").split("_")[1]))
        images, labels = [], []
        for name, stamp, (cell_time, cell_force), pose in zip(names, stamps, cells, poses, strict=True):
            force = np.interp(stamp - CAMERA_LATENCY, cell_time, cell_force)
            position = np.tile(pose - SENSOR_ORIGIN, (len(force), 1))
            images.append(to_input(videos[name]))
            labels.append(np.column_stack([force, position]))
        labels = np.concatenate(labels)
        self.label_mean, self.label_std = labels.mean(axis=0), labels.std(axis=0)
        self.train = TensorDataset(torch.cat(images), torch.as_tensor(labels, dtype=torch.float32))
        frames, truth = bench_test(600, rng)
        self.bench = to_input(frames), torch.as_tensor(truth, dtype=torch.float32)

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, drop_last=True)


class TactileNet(nn.Module):
    def __init__(self, hidden=128):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.neck = nn.Sequential(nn.LazyLinear(hidden), nn.ReLU(), nn.Dropout(0.1))
        self.force_head = nn.Linear(hidden, 1)
        self.position_head = nn.Linear(hidden, 2)

    def forward(self, image):
        features = self.neck(self.encoder(image))
        return self.force_head(features).squeeze(1), self.position_head(features)


class TactileRegressor(L.LightningModule):
    def __init__(self, label_mean, label_std, lr=1e-3, weight_decay=1e-4):
        super().__init__()
        self.save_hyperparameters("lr", "weight_decay")
        self.net = TactileNet()
        self.register_buffer("label_mean", torch.as_tensor(label_mean, dtype=torch.float32))
        self.register_buffer("label_std", torch.as_tensor(label_std, dtype=torch.float32))

    def forward(self, image):
        """Force in mN and position in mm."""
        force, position = self.net(image)
        scaled = torch.cat([force.unsqueeze(1), position], dim=1)
        return scaled * self.label_std + self.label_mean

    def on_after_batch_transfer(self, batch, dataloader_idx):
        image, label = batch
        if self.trainer.training:
            mirrored = torch.rand(len(image), device=image.device) < 0.5
            flipped = image.flip(-1)[:, [0, 2, 1]]  # the green and the blue LED change sides
            image = torch.where(mirrored[:, None, None, None], flipped, image)
            label = torch.where(mirrored[:, None], label * label.new_tensor([1.0, -1.0, 1.0]), label)
            gain = 1 + 0.05 * torch.randn(len(image), 1, 1, 1, device=image.device)
            image = image * gain
        return image, label

    def training_step(self, batch, batch_idx):
        image, label = batch
        contact = label[:, 0] > CONTACT_THRESHOLD
        target = (label - self.label_mean) / self.label_std
        force, position = self.net(image)
        force_loss = F.smooth_l1_loss(force, target[:, 0])
        position_loss = F.smooth_l1_loss(position[contact], target[contact, 1:])
        loss = force_loss + position_loss
        self.log_dict({"force_loss": force_loss, "position_loss": position_loss}, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.hparams.lr, total_steps=self.trainer.estimated_stepping_batches
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


@torch.no_grad()
def full_scale_error(model, images, truth):
    """Mean error of force and of position, in per cent of the full scale."""
    model.eval()
    error = (model(images) - truth).abs()
    model.train()
    return 50 * (error[:, 0].mean() / FORCE_RANGE + error[:, 1:].mean() / POSITION_RANGE).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--presses", type=int, default=220)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", ".*num_workers.*")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    L.seed_everything(args.seed)

    data = PressData(args.presses, args.batch_size, args.seed)
    data.prepare()
    model = TactileRegressor(data.label_mean, data.label_std)
    print(f"untrained: {full_scale_error(model, *data.bench):.4f}", flush=True)

    trainer = L.Trainer(
        max_epochs=args.epochs,
        accelerator="cpu",
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, datamodule=data)
    print({name: round(value.item(), 4) for name, value in trainer.callback_metrics.items()})
    print(f"result: {full_scale_error(model, *data.bench):.4f}", flush=True)


if __name__ == "__main__":
    main()

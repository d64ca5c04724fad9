"""Dense antipodal grasp prediction from top-down depth images (simulated bin, parallel-jaw gripper)."""

import argparse
import logging
import math
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 36  # pixels
MM_PER_PIXEL = 4.0
JAW_REACH_MM = 20.0  # half of the gripper's opening


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=960)
    parser.add_argument("--sessions", type=int, default=12, help="camera mounts")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--weight-decay", type=float, default=1e-3)
    return parser.parse_args()


def simulate_scene(rng, camera_height):
    """Render one bar (graspable) beside one disc (wider than the gripper); depth in mm, 0 where the sensor saw nothing."""
    v, u = np.mgrid[:SIZE, :SIZE].astype(np.float32) * MM_PER_PIXEL
    extent = SIZE * MM_PER_PIXEL
    tilt = rng.normal(0.0, 0.03, size=2)
    depth = camera_height + tilt[0] * (u - extent / 2) + tilt[1] * (v - extent / 2)

    while True:
        bar, disc = rng.uniform(24.0, extent - 24.0, size=(2, 2))
        if np.hypot(*(bar - disc)) > 38.0:
            break
    yaw = rng.uniform(0.0, 180.0)  # degrees, long axis of the bar
    along = (u - bar[0]) * np.cos(np.radians(yaw)) + (v - bar[1]) * np.sin(np.radians(yaw))
    across = -(u - bar[0]) * np.sin(np.radians(yaw)) + (v - bar[1]) * np.cos(np.radians(yaw))
    length, width = rng.uniform(16.0, 28.0), rng.uniform(5.0, 9.0)
    on_bar = (np.abs(along) < length) & (np.abs(across) < width)
    on_disc = np.hypot(u - disc[0], v - disc[1]) < rng.uniform(14.0, 22.0)
    depth = depth - np.where(on_bar, rng.uniform(12.0, 35.0), 0.0)
    depth = depth - np.where(on_disc & ~on_bar, rng.uniform(12.0, 35.0), 0.0)
    depth += rng.normal(0.0, 2.0, size=depth.shape)
    depth[rng.random(depth.shape) < 0.01] = 0.0

    grasp_angle = (yaw + 90.0) % 180.0  # the jaws close across the bar
    return depth.astype(np.float32), np.array([bar[0], bar[1], grasp_angle], dtype=np.float32)


def fill_missing(depth):
    """Replace pixels without a reading by the median of their image."""
    return np.stack([np.where(image > 0.0, image, np.median(image[image > 0.0])) for image in depth])


def label_maps(grasps):
    """Quality, cos 2a, sin 2a and the mask of pixels whose angle is defined: (N, 4, H, W)."""
    v, u = np.mgrid[:SIZE, :SIZE].astype(np.float32) * MM_PER_PIXEL
    x, y, angle = (column[:, None, None] for column in grasps.T)
    quality = np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 8.0**2))
    double = 2.0 * np.radians(angle) * np.ones_like(quality)
    return np.stack([quality, np.cos(double), np.sin(double), quality > 0.2], axis=1).astype(np.float32)


class GraspDataset(Dataset):
    def __init__(self, depth, grasps, mean, std, augment=False):
        self.depth = torch.from_numpy(depth)
        self.grasps = torch.from_numpy(grasps)
        self.labels = torch.from_numpy(label_maps(grasps))
        self.mean, self.std = mean, std
        self.augment = augment

    def __len__(self):
        return len(self.depth)

    def __getitem__(self, index):
        depth = self.depth[index]
        depth = (depth - self.mean) / self.std
        labels = self.labels[index].clone()
        if self.augment:
            turns = int(torch.randint(4, ()))
            depth, labels = depth.rot90(turns, (-2, -1)), labels.rot90(turns, (-2, -1))
            labels[1:3] *= (-1.0) ** turns  # a quarter turn is half a turn of the doubled angle
            if torch.rand(()) < 0.5:
                depth, labels = depth.flip(-1), labels.flip(-1)
                labels[2] *= -1.0
        return depth[None], labels, self.grasps[index]


def conv_block(n_in, n_out, stride=1, dilation=1):
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(),
    )


class GraspNet(nn.Module):
    """Fully convolutional: three maps of the input's size from features at a quarter of its resolution."""

    def __init__(self, width=32, dropout=0.05):
        super().__init__()
        self.encoder = nn.Sequential(
            conv_block(1, width // 2, stride=2),
            conv_block(width // 2, width, stride=2),
            conv_block(width, width, dilation=2),
            conv_block(width, width),
        )
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(width, 3 * 16, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(self.head.bias)

    def forward(self, depth):
        features = self.dropout(self.encoder(depth))
        maps = F.pixel_shuffle(self.head(features), 4)
        return maps[:, 0], maps[:, 1:]


def jaw_error_mm(quality, direction, grasps):
    """Mean distance of the two jaw tips from the true ones, for the best pixel of each image."""
    best = quality.flatten(1).argmax(dim=1)
    rows, columns = best // SIZE, best % SIZE
    cos2, sin2 = direction.flatten(2).gather(2, best[:, None, None].expand(-1, 2, 1)).squeeze(2).unbind(1)
    angle = 0.5 * torch.atan2(sin2, cos2)
    truth = torch.deg2rad(grasps[:, 2])
    centre = torch.stack([columns, rows], dim=1) * MM_PER_PIXEL
    tip = JAW_REACH_MM * torch.stack([angle.cos(), angle.sin()], dim=1)
    true_tip = JAW_REACH_MM * torch.stack([truth.cos(), truth.sin()], dim=1)
    offset = centre - grasps[:, :2]
    straight = (offset + tip - true_tip).norm(dim=1) + (offset - tip + true_tip).norm(dim=1)
    crossed = (offset + tip + true_tip).norm(dim=1) + (offset - tip - true_tip).norm(dim=1)
    return torch.minimum(straight, crossed) / 2


class GraspModule(L.LightningModule):
    def __init__(self, lr, weight_decay, angle_weight=0.5):
        super().__init__()
        self.save_hyperparameters()
        self.net = GraspNet()

    def training_step(self, batch, batch_idx):
        depth, labels, _ = batch
        logits, direction = self.net(depth)
        quality, double_angle, mask = labels[:, 0], labels[:, 1:3], labels[:, 3:]
        quality_loss = F.binary_cross_entropy_with_logits(logits, quality)
        angle_loss = (mask * (direction - double_angle) ** 2).sum() / mask.sum()
        loss = quality_loss + self.hparams.angle_weight * angle_loss
        self.log_dict({"train/quality": quality_loss, "train/angle": angle_loss})
        return loss

    def validation_step(self, batch, batch_idx):
        depth, _, grasps = batch
        logits, direction = self.net(depth)
        error = jaw_error_mm(logits, direction, grasps)
        self.log("val/jaw_error_mm", error.mean(), batch_size=len(depth))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.hparams.lr, total_steps=steps, pct_start=0.2)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def optimizer_zero_grad(self, epoch, batch_idx, optimizer):
        optimizer.zero_grad(set_to_none=True)


def main():
    args = parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    L.seed_everything(args.seed, verbose=False)
    rng = np.random.default_rng(args.seed)

    mounts = np.repeat(rng.normal(620.0, 8.0, size=args.sessions), math.ceil(args.scenes / args.sessions))
    depth, grasps = map(np.stack, zip(*(simulate_scene(rng, height) for height in mounts)))
    depth = fill_missing(depth)
    order = rng.permutation(len(depth))
    depth, grasps = depth[order], grasps[order]

    n_val = len(depth) // 5
    mean, std = float(depth[n_val:].mean()), float(depth[n_val:].std())
    train_set = GraspDataset(depth[n_val:], grasps[n_val:], mean, std, augment=True)
    val_set = GraspDataset(depth[:n_val], grasps[:n_val], mean, std)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=120)

    module = GraspModule(args.lr, args.weight_decay)
    trainer = L.Trainer(
        max_epochs=args.epochs,
        accelerator="cpu",
        gradient_clip_val=1.0,
        callbacks=[EMAWeightAveraging(decay=0.95)],
        check_val_every_n_epoch=3,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    before = trainer.validate(module, val_loader, verbose=False)[0]["val/jaw_error_mm"]
    print(f"untrained: {before:.4f}", flush=True)

    trainer.fit(module, train_loader, val_loader)
    after = trainer.validate(module, val_loader, verbose=False)[0]["val/jaw_error_mm"]
    print(f"result: {after:.4f}", flush=True)


if __name__ == "__main__":
    main()

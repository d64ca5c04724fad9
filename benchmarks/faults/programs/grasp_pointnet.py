"""PointNet grasp evaluator: success probability and closing width of a parallel-jaw grasp, from a point cloud."""

import argparse
import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

FINGER_LENGTH = 0.045  # m
FINGER_HALF_BREADTH = 0.010  # m
FRICTION, GRAVITY = 0.25, 9.81  # -, m/s^2


@dataclass
class Config:
    seed: int = 0
    num_objects: int = 240
    heldout_objects: int = 60
    grasps_per_object: int = 16
    num_points: int = 128
    point_scale: float = 0.05  # m, about half a hand
    jitter: float = 0.001  # m
    feature_dim: int = 128
    hidden_dim: int = 64
    dropout: float = 0.1
    batch_size: int = 64
    epochs: int = 7
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    grad_clip: float = 1.0


def rotation(axis, angle):
    (i, j), c, s = {"x": (1, 2), "z": (0, 1)}[axis], np.cos(angle), np.sin(angle)
    matrix = np.eye(3)
    matrix[[i, i, j, j], [i, j, i, j]] = c, -s, s, c
    return matrix


def sample_box(rng, size, n):
    """Points on the surface of a box that stands on z = 0."""
    points = rng.uniform(-0.5, 0.5, (n, 3))
    area = size.prod() / size
    points[np.arange(n), rng.choice(3, n, p=area / area.sum())] = rng.choice([-0.5, 0.5], n)
    return (points + np.array([0.0, 0.0, 0.5])) * size


def evaluate_grasp(local, mass, force, opening):
    """Closing width (m), contact and success from dense surface points in the grasp frame (x closes, z approaches)."""
    swept = local[(np.abs(local[:, 1]) < FINGER_HALF_BREADTH) & (local[:, 2] < 0.0)]
    if len(swept) < 8 or np.abs(swept[:, 0]).min() > opening / 2000:
        return 0.0, False, False
    clear = np.abs(swept[:, 0]).max() < opening / 2000 and swept[:, 2].min() > -FINGER_LENGTH
    holds = 2 * FRICTION * force > 1.5 * mass / 1000 * GRAVITY
    return np.ptp(swept[:, 0]), True, clear and holds


def simulate(cfg, num_objects, rng):
    """Clouds of the objects and a table of grasp trials, all in the camera frame."""
    world_to_camera = rotation("x", np.deg2rad(-140))
    clouds, trials = [], []
    for _ in range(num_objects):
        size = rng.uniform([0.02, 0.04, 0.04], [0.07, 0.11, 0.12])
        mass = size.prod() * 1e6 * rng.uniform(0.2, 1.2)  # g
        place = world_to_camera @ rng.uniform([-0.2, -0.15, 0.0], [0.2, 0.15, 0.0]) + np.array([0.0, 0.0, 0.75])
        dense = sample_box(rng, size, 2000) @ rotation("z", rng.uniform(0, 2 * np.pi)).T
        cloud = dense[: cfg.num_points] @ world_to_camera.T + place + rng.normal(0, 0.001, (cfg.num_points, 3))
        cloud[rng.random(cfg.num_points) < 0.03] = 0.0  # pixels without a depth reading
        clouds.append(cloud)
        for _ in range(cfg.grasps_per_object):
            hand = rotation("z", rng.uniform(0, 2 * np.pi)) @ rotation("x", np.pi + rng.normal(0, 0.2))
            tip = np.array([0.0, 0.0, size[2] - 0.015]) + rng.normal(0, 0.018, 3)
            setup = mass, rng.uniform(2, 20), rng.uniform(60, 90)  # g, N, mm
            outcome = evaluate_grasp((dense - tip) @ hand, *setup)
            trials.append((world_to_camera @ hand, world_to_camera @ tip + place, setup, *outcome))
    columns = ("hand", "tip", "setup", "width", "contact", "success")
    table = {k: torch.as_tensor(np.array(v), dtype=torch.float32) for k, v in zip(columns, zip(*trials))}
    table["object"] = torch.arange(num_objects).repeat_interleave(cfg.grasps_per_object)
    return torch.as_tensor(np.stack(clouds), dtype=torch.float32), table


def fill_missing(clouds):
    """Replace points without depth by a random valid point of the same cloud."""
    missing = clouds[..., 2] == 0
    source = torch.multinomial((~missing).float(), clouds.shape[1], replacement=True)
    return torch.where(missing[..., None], clouds.gather(1, source[..., None].expand_as(clouds)), clouds)


class GraspDataset(Dataset):
    """Clouds in the grasp frame, in units of half a hand; the grasp's setup and the closing width standardized."""

    def __init__(self, clouds, table, stats, cfg, augment=False):
        self.table, self.cfg, self.augment = table, cfg, augment
        clouds = fill_missing(clouds)
        self.points = (clouds[table["object"]] - table["tip"][:, None]) @ table["hand"] / cfg.point_scale
        self.setup = (table["setup"] - stats["setup_mean"]) / stats["setup_std"]
        self.width = (table["width"] - stats["width_mean"]) / stats["width_std"]

    def __len__(self):
        return len(self.width)

    def __getitem__(self, i):
        points = self.points[i]
        if self.augment:
            points = points + self.cfg.jitter / self.cfg.point_scale * torch.randn_like(points)
            if random.random() < 0.5:  # a parallel jaw is symmetric under half a turn about the approach axis
                points = points * torch.tensor([-1.0, -1.0, 1.0])
        return points, self.setup[i], self.table["success"][i], self.width[i], self.table["contact"][i]


class PointNetGraspEvaluator(nn.Module):
    def __init__(self, cfg, setup_dim=3):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(3, 32, 1), nn.BatchNorm1d(32), nn.ReLU(),
            nn.Conv1d(32, 64, 1), nn.BatchNorm1d(64), nn.ReLU(),
            nn.Conv1d(64, cfg.feature_dim, 1), nn.BatchNorm1d(cfg.feature_dim), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Linear(cfg.feature_dim + setup_dim, cfg.hidden_dim), nn.ReLU(), nn.Dropout(cfg.dropout),
            nn.Linear(cfg.hidden_dim, cfg.hidden_dim), nn.ReLU(),
        )  # fmt: skip
        self.success_head = nn.Linear(cfg.hidden_dim, 1)
        self.width_head = nn.Linear(cfg.hidden_dim, 1)

    def forward(self, points, setup):
        features = self.encoder(points.transpose(1, 2))
        shape_code = features.amax(dim=2)
        hidden = self.head(torch.cat([shape_code, setup], dim=1))
        return self.success_head(hidden).squeeze(1), self.width_head(hidden).squeeze(1)


def average_precision(scores, labels):
    labels = labels[scores.argsort(descending=True)]
    precision = labels.cumsum(0) / torch.arange(1, len(labels) + 1)
    return precision[labels > 0].mean().item()


class Trainer:
    def __init__(self, cfg, model, train_loader, val_loader, stats, pos_weight):
        self.cfg, self.model, self.stats = cfg, model, stats
        self.train_loader, self.val_loader, self.pos_weight = train_loader, val_loader, pos_weight
        sgd = {"lr": cfg.lr, "momentum": cfg.momentum, "weight_decay": cfg.weight_decay, "nesterov": True}
        self.optimizer = torch.optim.SGD(model.parameters(), **sgd)
        total = cfg.epochs * len(train_loader)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, cfg.lr, total_steps=total, pct_start=0.15)

    def compute_loss(self, logit, width_pred, success, width, contact):
        success_loss = F.binary_cross_entropy_with_logits(logit, success, pos_weight=self.pos_weight)
        width_error = F.smooth_l1_loss(width_pred, width, reduction="none")
        width_loss = (width_error * contact).sum() / contact.sum().clamp(min=1)
        return success_loss + width_loss

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for points, setup, success, width, contact in self.train_loader:
            logit, width_pred = self.model(points, setup)
            loss = self.compute_loss(logit, width_pred, success, width, contact)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.grad_clip)
            self.optimizer.step()
            self.scheduler.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        """Missing average precision, and the mean absolute error of the width (mm) where the jaws meet the object."""
        self.model.eval()
        outputs = [torch.stack(self.model(points, setup)) for points, setup, *_ in self.val_loader]
        logit, width = torch.cat(outputs, dim=1)
        truth = self.val_loader.dataset.table
        width = width * self.stats["width_std"] + self.stats["width_mean"]
        width_mm = 1000 * (width - truth["width"])[truth["contact"] > 0].abs().mean().item()
        miss = 1 - average_precision(logit, truth["success"])
        return {"miss": miss, "width_mm": width_mm, "score": miss + width_mm / 20}

    def fit(self):
        for epoch in range(self.cfg.epochs):
            loss, metrics = self.train_epoch(), self.validate()
            print(f"epoch {epoch}  loss {loss:.4f}  1-AP {metrics['miss']:.3f}  width {metrics['width_mm']:.2f} mm")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=Config.seed)
    parser.add_argument("--epochs", type=int, default=Config.epochs)
    parser.add_argument("--lr", type=float, default=Config.lr)
    cfg = Config(**vars(parser.parse_args()))
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)

    clouds, table = simulate(cfg, cfg.num_objects, rng)
    stats = {"setup_mean": table["setup"].mean(0), "setup_std": table["setup"].std(0)}
    widths = table["width"][table["contact"] > 0]
    stats |= {"width_mean": widths.mean(), "width_std": widths.std()}
    positives = table["success"].mean()
    print(f"{len(clouds)} objects, {positives:.1%} of the grasps succeed, {table['contact'].mean():.1%} touch")

    train_set = GraspDataset(clouds, table, stats, cfg, augment=True)
    train_loader = DataLoader(train_set, batch_size=cfg.batch_size, shuffle=True, drop_last=True)
    val_loader = DataLoader(GraspDataset(*simulate(cfg, cfg.heldout_objects, rng), stats, cfg), batch_size=256)

    model = PointNetGraspEvaluator(cfg)
    trainer = Trainer(cfg, model, train_loader, val_loader, stats, pos_weight=(1 - positives) / positives)
    print(f"untrained: {trainer.validate()['score']:.4f}")
    trainer.fit()
    print(f"result: {trainer.validate()['score']:.4f}")


if __name__ == "__main__":
    main()

"""Conditional VAE that proposes parallel-jaw grasps (position, 6D rotation, opening) for tabletop objects."""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

KINDS = ("box", "mug", "bottle")
SIZES = (((70, 25, 40), (160, 65, 150)), ((70, 70, 80), (95, 95, 110)), ((45, 45, 150), (75, 75, 250)))  # mm
LATENT = 6
TABLE_Z = 120.0  # mm above the robot base
TOLERANCE = {"mm": 20.0, "rad": 0.35, "opening_mm": 12.0}


def direction(angle):
    return np.array([np.cos(angle), np.sin(angle), 0.0])


def random_objects(rng, count):
    """Centroids and extents in mm (robot base frame), heading in degrees as the detector reports it."""
    objects = []
    for kind in rng.integers(len(KINDS), size=count):
        extents = rng.uniform(*SIZES[kind])
        extents[1] = extents[1] if KINDS[kind] == "box" else extents[0]
        centre = np.array([rng.uniform(350, 750), rng.uniform(-350, 350), TABLE_Z + extents[2] / 2])
        objects.append((kind, centre, extents, rng.uniform(0, 360)))
    return objects


def plan_grasp(rng, kind, centre, extents, heading_deg):
    """One stable grasp: position from the centre (mm), rotation (closing, lateral, approach), opening (mm)."""
    heading = np.deg2rad(heading_deg)
    down, top = np.array([0.0, 0.0, -1.0]), np.array([0.0, 0.0, extents[2] / 2])
    if KINDS[kind] == "box":
        closing, size = direction(heading + np.pi / 2), extents[1]
        if rng.random() < 0.7:
            approach, position = down, top + (0, 0, -20) + direction(heading) * rng.uniform(-0.25, 0.25) * extents[0]
        else:
            approach, position = -direction(heading), direction(heading) * (extents[0] / 2 - 20)
    elif KINDS[kind] == "mug":
        if rng.random() < 0.5:  # by the handle
            approach, closing, size = -direction(heading), direction(heading + np.pi / 2), 12.0
            position = direction(heading) * (extents[0] / 2 + 25)
        else:  # by the rim, away from the handle
            angle = heading + np.pi + rng.uniform(-0.8, 0.8)
            approach, closing, size = down, direction(angle), 5.0
            position = top + direction(angle) * extents[0] / 2 + (0, 0, -15)
    else:
        angle = np.arctan2(centre[1], centre[0]) + rng.uniform(-1.0, 1.0)
        approach, closing, size = direction(angle), direction(angle + np.pi / 2), extents[0]
        position = np.array([0.0, 0.0, rng.uniform(-0.05, 0.25) * extents[2]])
    rotation = np.stack([closing, np.cross(approach, closing), approach], axis=1)
    return position, rotation, size + 15.0


def random_turn(rng, std):
    angle = np.linalg.norm(vector := rng.normal(0, std, 3))
    skew = np.cross(np.eye(3), vector / angle)
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


def execute(rng, position, rotation, opening):
    """The grasp as it was logged by the robot, and whether it held: calibration and slips spoil many attempts."""
    if rng.random() < 0.6:
        return position + rng.normal(0, 3, 3), random_turn(rng, 0.02) @ rotation, opening + rng.normal(0, 1.5), 1.0
    return position + rng.normal(0, 60, 3), random_turn(rng, 0.8) @ rotation, rng.uniform(10, 100), 0.0


def describe(objects):
    kind, centre, extents, heading_deg = (np.array(column) for column in zip(*objects))
    heading = np.deg2rad(heading_deg)[:, None]
    features = [centre, extents, np.cos(heading), np.sin(heading), np.eye(len(KINDS))[kind]]
    return torch.tensor(np.hstack(features), dtype=torch.float32)


def to_vector(grasps):
    """(position, first two columns of the rotation, opening) in 10 numbers."""
    return torch.tensor(np.array([[*p, *r[:, 0], *r[:, 1], w] for p, r, w, *_ in grasps]), dtype=torch.float32)


def to_matrix(six):
    a, b = six[..., :3], six[..., 3:]  # Gram-Schmidt (Zhou et al. 2019)
    x = F.normalize(a, dim=-1)
    y = F.normalize(b - (x * b).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.cross(x, y, dim=-1)], dim=-1)


def turn_scene(objects, grasps, max_angle=0.8):
    """Rotate objects and their grasps about the vertical axis of the robot base."""
    angle = (torch.rand(len(objects)) * 2 - 1) * max_angle
    turn = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], dim=-1).view(-1, 2, 2)
    objects, grasps = objects.clone(), grasps.clone()
    for i in (0, 6):  # centre, heading
        objects[:, i : i + 2] = (objects[:, None, i : i + 2] @ turn)[:, 0]
    for i in (0, 3, 6):  # position, two columns of the rotation
        grasps[:, i : i + 2] = (grasps[:, None, i : i + 2] @ turn)[:, 0]
    return objects, grasps


class Standardizer(nn.Module):
    def __init__(self, data, columns):
        super().__init__()
        self.register_buffer("mean", torch.zeros(data.shape[1]))
        self.register_buffer("std", torch.ones(data.shape[1]))
        self.mean[columns], self.std[columns] = data[:, columns].mean(0), data[:, columns].std(0)

    def forward(self, x):
        return (x - self.mean) / self.std

    def inverse(self, x):
        return x * self.std + self.mean


def mlp(inputs, hidden, outputs, dropout=0.0):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.LayerNorm(hidden), nn.SiLU(), nn.Dropout(dropout),
        nn.Linear(hidden, hidden), nn.LayerNorm(hidden), nn.SiLU(), nn.Linear(hidden, outputs),
    )  # fmt: skip


class GraspCVAE(nn.Module):
    def __init__(self, object_dim, grasp_dim=10, embed=64, hidden=192, dropout=0.05):
        super().__init__()
        self.object_encoder = nn.Sequential(mlp(object_dim, hidden, embed, dropout), nn.SiLU())
        self.recognition = mlp(grasp_dim + embed, hidden, 2 * LATENT)
        self.decoder = mlp(LATENT + embed, hidden, grasp_dim, dropout)

    def forward(self, objects, grasps):
        context = self.object_encoder(objects)
        mu, log_std = self.recognition(torch.cat([grasps, context], dim=-1)).chunk(2, dim=-1)
        posterior = Normal(mu, log_std.clamp(-6, 4).exp())
        return self.decoder(torch.cat([posterior.rsample(), context], dim=-1)), posterior

    @torch.no_grad()
    def propose(self, objects, count):
        context = self.object_encoder(objects)[:, None].expand(-1, count, -1)
        z = torch.randn(len(objects), count, LATENT)
        return self.decoder(torch.cat([z, context], dim=-1))


def reconstruction_error(predicted, target):
    """Per sample, in standardized units."""
    rotation = (to_matrix(predicted[:, 3:9]) - to_matrix(target[:, 3:9])).square().sum((-2, -1))
    return rotation + (predicted - target)[:, [0, 1, 2, 9]].square().sum(-1)


def grasps_agree(a, b):
    """Which of (N, K, 10) and (N, M, 10) grasps are the same within tolerance; the hand has two alike fingers."""
    position = torch.cdist(a[..., :3], b[..., :3])
    ra, rb = to_matrix(a[..., 3:9])[:, :, None], to_matrix(b[..., 3:9])[:, None]
    half_turn = torch.tensor([-1.0, -1.0, 1.0])
    cosine = torch.maximum((ra * rb).sum((-2, -1)), (ra * rb * half_turn).sum((-2, -1))) / 2 - 0.5
    opening = (a[..., None, 9] - b[:, None, :, 9]).abs()
    return (position < TOLERANCE["mm"]) & (cosine > np.cos(TOLERANCE["rad"])) & (opening < TOLERANCE["opening_mm"])


def evaluate(model, objects, references, object_norm, grasp_norm):
    """Percentage of sampled grasps that no plan agrees with, and of plans that no sample agrees with, averaged."""
    model.eval()
    samples = model.propose(object_norm(objects), references.shape[1])
    agree = grasps_agree(grasp_norm.inverse(samples), references)
    return 100 - 50 * (agree.any(2).float().mean() + agree.any(1).float().mean()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--beta", type=float, default=0.1)
    parser.add_argument("--warmup-epochs", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    scenes = [scene for scene in random_objects(rng, 3000) for _ in range(2)]
    attempts = [execute(rng, *plan_grasp(rng, *scene)) for scene in scenes]
    objects, grasps = describe(scenes), to_vector(attempts)
    held = torch.tensor([held for *_, held in attempts], dtype=torch.float32)
    test_scenes = random_objects(rng, 150)
    test_objects = describe(test_scenes)
    references = torch.stack([to_vector([plan_grasp(rng, *scene) for _ in range(20)]) for scene in test_scenes])

    object_norm = Standardizer(objects, [0, 1, 2, 3, 4, 5])
    grasp_norm = Standardizer(grasps, [0, 1, 2, 9])
    loader = DataLoader(TensorDataset(objects, grasps, held), batch_size=128, shuffle=True, drop_last=True)

    model = GraspCVAE(objects.shape[1])
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.92)
    print(f"untrained: {evaluate(model, test_objects, references, object_norm, grasp_norm):.2f}")

    for epoch in range(args.epochs):
        model.train()
        beta = args.beta * min(1.0, epoch / args.warmup_epochs)
        for batch_objects, batch_grasps, batch_held in loader:
            batch_objects, batch_grasps = turn_scene(batch_objects, batch_grasps)
            target = grasp_norm(batch_grasps)
            predicted, posterior = model(object_norm(batch_objects), target)
            divergence = kl_divergence(posterior, Normal(0.0, 1.0)).sum(-1)
            bound = reconstruction_error(predicted, target) + beta * divergence
            loss = (bound * batch_held).sum() / batch_held.sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            average.update_parameters(model)
        scheduler.step()
        print(f"epoch {epoch + 1} beta {beta:.3f} loss {loss.item():.3f} kl {divergence.mean().item():.2f}")
    print(f"result: {evaluate(average.module, test_objects, references, object_norm, grasp_norm):.2f}")


if __name__ == "__main__":
    main()

"""Conditional flow matching for quadrotor local planning: draws a two second trajectory given state, goal and pillar."""

import argparse
import copy
import math

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

HORIZON = 16
DT = 0.125  # s
GRAVITY = 9.81  # m/s^2


def wrap(angle):
    return torch.atan2(angle.sin(), angle.cos())


def fly(n):
    """Logs of n flights in the world frame: m, m/s, rad, kg."""
    start = torch.rand(n, 3) * torch.tensor([40.0, 40.0, 4.0]) + torch.tensor([-20.0, -20.0, 2.0])
    yaw = (torch.rand(n) * 2 - 1) * math.pi
    velocity = torch.randn(n, 3) * torch.tensor([1.5, 1.5, 0.4])
    bearing = yaw + torch.randn(n) * 0.8
    reach = torch.rand(n) * 6 + 2
    goal = start + torch.stack([reach * bearing.cos(), reach * bearing.sin(), torch.randn(n) * 0.8], 1)
    side = torch.randn(n) * 0.7
    along = torch.rand(n) * 0.5 + 0.3
    pillar = start[:, :2] + (goal - start)[:, :2] * along[:, None]
    pillar = pillar + torch.stack([-bearing.sin(), bearing.cos()], 1) * side[:, None]
    radius = torch.rand(n) * 0.4 + 0.2
    wind = torch.randn(n, 2) * 0.8
    payload = torch.rand(n) * 0.5

    p, v, heading, path = start.clone(), velocity.clone(), yaw.clone(), []
    limit = GRAVITY * math.tan(0.45) / (1 + payload)
    for _ in range(HORIZON * 5):
        acc = 2.2 * (goal - p) - 2.4 * v
        away = p[:, :2] - pillar
        distance = away.norm(dim=1).clamp(min=0.05)
        push = 9.0 * torch.exp(-(distance - radius).clamp(min=0) / 0.5)
        acc[:, :2] += away / distance[:, None] * push[:, None]
        lateral = acc[:, :2].norm(dim=1).clamp(min=1e-6)
        acc[:, :2] *= (limit / lateral).clamp(max=1)[:, None]
        acc[:, :2] += wind / (1 + payload)[:, None]
        acc[:, 2] = acc[:, 2].clamp(-3.0, 2.5)
        v = v + acc * DT / 5
        p = p + v * DT / 5
        turn = wrap(torch.atan2(goal[:, 1] - p[:, 1], goal[:, 0] - p[:, 0]) - heading)
        heading = wrap(heading + (3.0 * turn).clamp(-1.5, 1.5) * DT / 5)
        path.append(torch.cat([p, heading[:, None]], 1))
    path = torch.stack(path[4::5], 1)
    path = path + torch.randn_like(path) * torch.tensor([0.02, 0.02, 0.03, 0.02])
    return {
        "start": start,
        "yaw": yaw,
        "velocity": velocity + torch.randn(n, 3) * 0.05,
        "goal": goal,
        "pillar": pillar + torch.randn(n, 2) * 0.03,
        "radius": radius,
        "wind": wind + torch.randn(n, 2) * 0.1,
        "payload": payload,
        "path": path,
    }


def rotate(xy, yaw):
    cos, sin = yaw.cos(), yaw.sin()
    return torch.stack([cos * xy[..., 0] - sin * xy[..., 1], sin * xy[..., 0] + cos * xy[..., 1]], -1)


def to_body(logs):
    """Condition (n, 12) and trajectory (n, HORIZON, 4), both relative to the vehicle's pose."""
    start, yaw = logs["start"], logs["yaw"]
    to_goal = logs["goal"] - start
    cond = torch.cat(
        [
            rotate(logs["velocity"][:, :2], -yaw),
            logs["velocity"][:, 2:],
            rotate(to_goal[:, :2], -yaw),
            to_goal[:, 2:],
            rotate(logs["pillar"] - start[:, :2], -yaw),
            logs["radius"][:, None],
            rotate(logs["wind"], -yaw),
            logs["payload"][:, None],
        ],
        1,
    )
    offset = logs["path"][..., :3] - start[:, None]
    xy = rotate(offset[..., :2], -yaw[:, None])
    turn = wrap(logs["path"][..., 3] - yaw[:, None])
    traj = torch.cat([xy, offset[..., 2:], turn[..., None]], -1)
    return cond, traj


class TimeEmbedding(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("freqs", torch.exp(torch.linspace(0.0, math.log(100.0), dim // 2)))

    def forward(self, t):
        angles = t[:, None] * self.freqs
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class FiLMBlock(nn.Module):
    def __init__(self, width, embed_dim, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.film = nn.Linear(embed_dim, 2 * width)
        self.up = nn.Linear(width, width)
        self.down = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, h, embed):
        scale, shift = self.film(embed).chunk(2, dim=-1)
        y = F.silu(self.up(self.norm(h) * (1 + scale) + shift))
        return h + self.down(self.dropout(y))


class VelocityField(nn.Module):
    def __init__(self, traj_dim, cond_dim, width=192, embed_dim=128, blocks=3, dropout=0.05):
        super().__init__()
        self.time = TimeEmbedding(32)
        self.embed = nn.Sequential(
            nn.Linear(32 + cond_dim, embed_dim), nn.SiLU(), nn.Linear(embed_dim, embed_dim), nn.SiLU()
        )
        self.inlet = nn.Linear(HORIZON * traj_dim, width)
        self.blocks = nn.ModuleList(FiLMBlock(width, embed_dim, dropout) for _ in range(blocks))
        self.outlet = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, HORIZON * traj_dim))

    def forward(self, x, t, cond):
        embed = self.embed(torch.cat([self.time(t), cond], dim=-1))
        h = self.inlet(x.flatten(1))
        for block in self.blocks:
            h = block(h, embed)
        return self.outlet(h).view_as(x)


def flow_matching_loss(model, traj, cond):
    noise = torch.randn_like(traj)
    t = torch.rand(len(traj), device=traj.device)
    mix = t[:, None, None]
    x_t = (1 - mix) * noise + mix * traj
    target = traj - noise
    return F.mse_loss(model(x_t, t, cond), target)


class Normalizer:
    def __init__(self, data, dims):
        self.mean, self.std = data.mean(dims), data.std(dims)

    def __call__(self, x):
        return (x - self.mean) / self.std

    def inverse(self, x):
        return x * self.std + self.mean


@torch.no_grad()
def update_ema(ema, model, decay):
    for slow, fast in zip(ema.parameters(), model.parameters()):
        slow.lerp_(fast, 1 - decay)


@torch.no_grad()
def sample(model, cond, traj_dim, steps):
    x = torch.randn(len(cond), HORIZON, traj_dim, device=cond.device)
    for i in range(steps):
        t = torch.full((len(cond),), i / steps, device=cond.device)
        x = x + model(x, t, cond) / steps
    return x


def displacement_error(model, cond, traj, traj_norm, steps):
    """Mean distance in metres between generated and flown positions."""
    model.eval()
    drawn = traj_norm.inverse(sample(model, cond, traj.shape[-1], steps))
    return (drawn[..., :3] - traj[..., :3]).norm(dim=-1).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flights", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--accumulate", type=int, default=2)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--ema-decay", type=float, default=0.97)
    parser.add_argument("--sample-steps", type=int, default=16)
    args = parser.parse_args()
    torch.set_num_threads(1)
    set_seed(args.seed)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=args.accumulate)

    cond, traj = to_body(fly(args.flights))
    val_cond, val_traj = to_body(fly(512))
    cond_norm, traj_norm = Normalizer(cond, 0), Normalizer(traj, (0, 1))
    cond, traj = cond_norm(cond), traj_norm(traj)
    val_cond = cond_norm(val_cond)
    loader = DataLoader(TensorDataset(cond, traj), batch_size=args.batch_size, shuffle=True, drop_last=True)

    model = VelocityField(traj.shape[-1], cond.shape[-1])
    ema = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    total_steps = args.epochs * len(loader) // args.accumulate

    def rate(step):
        if step < args.warmup:
            return (step + 1) / args.warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - args.warmup) / (total_steps - args.warmup))))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)

    print(f"untrained: {displacement_error(ema, val_cond, val_traj, traj_norm, args.sample_steps):.4f}")
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for cond_batch, traj_batch in loader:
            with accelerator.accumulate(model):
                loss = flow_matching_loss(model, traj_batch, cond_batch)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                update_ema(ema, accelerator.unwrap_model(model), args.ema_decay)
            running += loss.item()
        accelerator.print(f"epoch {epoch} loss {running / len(loader):.4f}")
    print(f"result: {displacement_error(ema, val_cond, val_traj, traj_norm, args.sample_steps):.4f}")


if __name__ == "__main__":
    main()

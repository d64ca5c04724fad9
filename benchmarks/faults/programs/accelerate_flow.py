"""Flow-matching policy with action chunks: a small transformer, trained with accelerate, averaged weights."""

import argparse
import copy
import math

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, Dataset

HORIZON, EPISODE = 8, 40


def record_episodes(n):
    """An arm with four joints reaches and grasps: angles (rad), speeds (rad/s), goal (mm); commands: speeds, gripper (mm)."""
    start, goal = torch.rand(n, 4) * 2 - 1, torch.rand(n, 4) * 2 - 1
    reach = torch.stack([goal[:, 0].sin() * 400 + 500, goal[:, 1].cos() * 300, goal[:, 2:].sum(1) * 150], dim=1)
    angle, speed, obs, actions = start, torch.zeros(n, 4), [], []
    for step in range(EPISODE):
        command = (1.5 * (goal - angle)).clamp(-1, 1) + 0.03 * torch.randn(n, 4)
        gripper = 80 - 70 * torch.sigmoid(40 * (0.25 - (goal - angle).norm(dim=1, keepdim=True)))
        obs.append(torch.cat([angle, speed, reach], dim=1))
        actions.append(torch.cat([command, gripper], dim=1))
        speed = 0.5 * speed + 0.5 * command
        angle = angle + 0.1 * speed
    obs, actions = torch.stack(obs, dim=1), torch.stack(actions, dim=1)
    # Now and then the bus reports nonsense.
    actions[torch.rand(actions.shape[:2]) < 0.001] = 65535.0
    return obs, actions


class ChunkDataset(Dataset):
    def __init__(self, obs, actions):
        self.obs = (obs - obs.mean((0, 1))) / obs.std((0, 1))
        flat = actions.flatten(0, 1)
        low, high = flat.quantile(0.01, dim=0), flat.quantile(0.99, dim=0)
        self.actions = ((actions - low) / (high - low) * 2 - 1).clamp(-1.5, 1.5)

    def __len__(self):
        return len(self.obs) * EPISODE

    def __getitem__(self, index):
        episode, t = divmod(index, EPISODE)
        steps = torch.arange(t, t + HORIZON)
        chunk = self.actions[episode, steps.clamp(max=EPISODE - 1)]
        return {"obs": self.obs[episode, t], "action": chunk, "action_is_pad": steps >= EPISODE}


def embed_time(t, dim=32):
    frequencies = torch.exp(torch.linspace(0, math.log(1000.0), dim // 2))
    return torch.cat([(t * frequencies).sin(), (t * frequencies).cos()], dim=-1)


class VelocityTransformer(nn.Module):
    def __init__(self, obs_dim, action_dim, width=64, depth=2):
        super().__init__()
        self.obs_encoder = nn.Sequential(nn.Linear(obs_dim, 128), nn.SiLU(), nn.Linear(128, width))
        self.no_obs = nn.Parameter(torch.zeros(width))
        self.time_mlp = nn.Sequential(nn.Linear(32, width), nn.SiLU(), nn.Linear(width, width))
        self.action_in = nn.Linear(action_dim, width)
        self.position = nn.Parameter(torch.randn(HORIZON, width) * 0.5)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.action_out = nn.Linear(width, action_dim)
        nn.init.zeros_(self.action_out.weight)
        nn.init.zeros_(self.action_out.bias)

    def forward(self, x, t, obs, drop=0.0):
        context = self.obs_encoder(obs)
        dropped = torch.rand(len(obs), 1) < drop
        context = torch.where(dropped, self.no_obs, context) + self.time_mlp(embed_time(t))
        tokens = self.action_in(x) + self.position + context.unsqueeze(1)
        return self.action_out(self.blocks(tokens))


def flow_loss(policy, batch):
    action = batch["action"]
    noise = torch.randn_like(action)
    t = torch.rand(len(action), 1).clamp(0.001, 0.999)
    x_t = torch.lerp(noise, action, t.unsqueeze(-1))
    velocity = policy(x_t, t, batch["obs"], drop=0.1)
    error = (velocity - (action - noise)).pow(2).mean(-1)
    valid = (~batch["action_is_pad"]).float()
    return (error * valid).sum() / valid.sum().clamp(min=1)


@torch.no_grad()
def ema_update(ema, policy, decay=0.99):
    for average, p in zip(ema.parameters(), policy.parameters()):
        average.lerp_(p, 1 - decay)


@torch.no_grad()
def sampling_error(policy, batch, steps=10):
    """How far chunks that are sampled for these observations are from the demonstrated ones."""
    x = torch.randn_like(batch["action"])
    for i in range(steps):
        x = x + policy(x, torch.full((len(x), 1), i / steps), batch["obs"]) / steps
    return (x - batch["action"]).abs().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args()
    set_seed(args.seed)

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    data = ChunkDataset(*record_episodes(200))
    loader = DataLoader(data, batch_size=64, shuffle=True, drop_last=True)
    policy = VelocityTransformer(data.obs.shape[-1], data.actions.shape[-1])
    ema = copy.deepcopy(policy).requires_grad_(False)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * len(loader) // 2)
    policy, optimizer, loader, scheduler = accelerator.prepare(policy, optimizer, loader, scheduler)

    policy.train()
    for epoch in range(args.epochs):
        total = 0.0
        for batch in loader:
            with accelerator.accumulate(policy):
                loss = flow_loss(policy, batch)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(policy.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                ema_update(ema, accelerator.unwrap_model(policy))
            total += loss.item()
        accelerator.print(f"epoch {epoch}: {total / len(loader):.4f}, sampled {sampling_error(ema, batch):.4f}")


if __name__ == "__main__":
    main()

"""Diffusion policy for pouring a requested volume into a cup, trained on scripted demonstrations (Lightning)."""

import argparse
import copy
import math

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DT, EPISODE_STEPS = 0.1, 80  # s, steps
OBS_STEPS, HORIZON, EXECUTE = 2, 8, 5
JUG_TARE, CUP_TARE, DENSITY = 420.0, 180.0, 1.03  # g, g, g/mL
MAX_RATES = np.array([45.0, 120.0])  # tilt in deg/s, slide in mm/s


class PouringCell:
    """Arm with a jug beside a cup on a scale; n cells are stepped together."""

    def __init__(self, n, rng):
        self.rng = rng
        self.tilt = rng.uniform(0.0, 10.0, n)  # deg
        self.jug = rng.uniform(320.0, 550.0, n)  # mL
        self.cup_x = rng.uniform(380.0, 460.0, n)  # mm, base frame
        self.spout_x = self.cup_x + rng.uniform(-90.0, 90.0, n)
        self.order = rng.uniform(80.0, 220.0, n)  # mL
        self.received, self.spilled, self.falling = np.zeros(n), np.zeros(n), [np.zeros(n), np.zeros(n)]

    def lip_angle(self):
        return 25.0 + 70.0 * (1.0 - self.jug / 600.0)

    def observe(self):
        wrist = JUG_TARE + DENSITY * self.jug + self.rng.normal(0.0, 0.5, self.jug.shape)
        scale = CUP_TARE + DENSITY * self.received + self.rng.normal(0.0, 0.5, self.jug.shape)
        return np.stack([self.tilt, wrist, scale, self.order, self.spout_x, self.cup_x], axis=-1)

    def step(self, action):
        tilt_rate, slide = np.clip(action, -MAX_RATES, MAX_RATES).T
        self.tilt = np.clip(self.tilt + DT * tilt_rate, -10.0, 130.0)
        self.spout_x = self.spout_x + DT * slide
        flow = np.minimum(1.2 * np.maximum(self.tilt - self.lip_angle(), 0.0) ** 1.3, 80.0)
        leaving = np.minimum(flow * DT, self.jug)
        self.jug = self.jug - leaving
        caught = leaving * np.clip((40.0 - np.abs(self.spout_x + 0.4 * flow - self.cup_x)) / 10.0, 0.0, 1.0)
        self.spilled = self.spilled + leaving - caught
        self.falling.append(caught)
        self.received = self.received + self.falling.pop(0)


def expert(cell, pace):
    """Tilt for a flow in proportion to what is missing, at most the operator's pace (mL/s)."""
    missing = cell.order - cell.received - sum(cell.falling)
    flow = np.clip(1.6 * missing, 0.0, pace)
    aim = cell.cup_x - 0.4 * flow
    pouring = cell.lip_angle() + (flow / 1.2) ** (1 / 1.3)
    waiting = np.minimum(pouring, cell.lip_angle() - 3.0)
    tilt = np.where(missing < 1.5, 5.0, np.where(np.abs(cell.spout_x - aim) < 25.0, pouring, waiting))
    return np.clip(np.stack([4.0 * (tilt - cell.tilt), 3.0 * (aim - cell.spout_x)], -1), -MAX_RATES, MAX_RATES)


def record_demonstrations(episodes, rng):
    """Return observations, commanded actions and which commands the recorder received, each (episode, step, ...)."""
    cell, pace, steps = PouringCell(episodes, rng), rng.choice([35.0, 50.0], episodes), []
    for _ in range(EPISODE_STEPS):
        action, logged = expert(cell, pace), rng.random(episodes) > 0.3
        steps.append((cell.observe(), np.where(logged[:, None], action, 0.0), logged))
        cell.step(action + rng.normal(0.0, (6.0, 10.0), action.shape))
    return tuple(np.stack(values, axis=1) for values in zip(*steps))


class PouringData(L.LightningDataModule):
    def __init__(self, episodes=100, batch_size=64, seed=0):
        super().__init__()
        self.batch_size = batch_size
        self.observations, self.actions, self.logged = record_demonstrations(episodes, np.random.default_rng(seed))

    def statistics(self):
        frames, commands = self.observations.reshape(-1, 6), self.actions[self.logged]
        return frames.mean(axis=0), frames.std(axis=0), commands.min(axis=0), commands.max(axis=0)

    def setup(self, stage=None):
        context, chunks, masks = [], [], []
        for now in range(OBS_STEPS - 1, EPISODE_STEPS - HORIZON + 1):
            context.append(self.observations[:, now - OBS_STEPS + 1 : now + 1])
            chunks.append(self.actions[:, now : now + HORIZON])
            masks.append(self.logged[:, now : now + HORIZON])
        arrays = [np.concatenate(values).astype(np.float32) for values in (context, chunks, masks)]
        self.windows = TensorDataset(*map(torch.from_numpy, arrays))

    def train_dataloader(self):
        return DataLoader(self.windows, batch_size=self.batch_size, shuffle=True, drop_last=True)


class FiLMBlock(nn.Module):
    def __init__(self, channels, condition):
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(channels, channels, 3, padding=1), nn.GroupNorm(8, channels))
        self.film = nn.Linear(condition, 2 * channels)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, x, condition):
        scale, shift = self.film(condition).unsqueeze(-1).chunk(2, dim=1)
        return x + self.second(F.silu(self.first(x) * (1 + scale) + shift))


class ChunkDenoiser(nn.Module):
    def __init__(self, obs_dim, action_dim, steps, channels=48, embedding=32, blocks=2):
        super().__init__()
        self.register_buffer("frequencies", torch.logspace(0.0, 2.3, embedding // 2) / steps)
        self.encoder = nn.Sequential(nn.Linear(OBS_STEPS * obs_dim, 128), nn.SiLU(), nn.Linear(128, 96), nn.SiLU())
        self.lift = nn.Conv1d(action_dim, channels, 3, padding=1)
        self.blocks = nn.ModuleList([FiLMBlock(channels, 96 + embedding) for _ in range(blocks)])
        self.head = nn.Sequential(nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv1d(channels, action_dim, 1))

    def forward(self, chunk, k, observation):
        phase = k[:, None] * self.frequencies
        condition = torch.cat([self.encoder(observation.flatten(1)), phase.sin(), phase.cos()], dim=-1)
        hidden = self.lift(chunk.transpose(1, 2))
        for block in self.blocks:
            hidden = block(hidden, condition)
        return self.head(hidden).transpose(1, 2)


def cosine_alpha_bars(steps, offset=0.008):
    ramp = torch.cos((torch.linspace(0.0, 1.0, steps + 1) + offset) / (1 + offset) * math.pi / 2) ** 2
    return torch.cumprod((ramp[1:] / ramp[:-1]).clamp(min=0.02), dim=0)


class PouringPolicy(L.LightningModule):
    def __init__(self, statistics, lr=2e-3, diffusion_steps=50, ema_decay=0.98, warmup=40):
        super().__init__()
        self.lr, self.ema_decay, self.warmup, self.diffusion_steps = lr, ema_decay, warmup, diffusion_steps
        for name, value in zip(("obs_mean", "obs_std", "act_low", "act_high"), statistics):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))
        self.register_buffer("alpha_bars", cosine_alpha_bars(diffusion_steps))
        self.net = ChunkDenoiser(len(self.obs_mean), len(self.act_low), diffusion_steps)
        self.ema_net = copy.deepcopy(self.net).requires_grad_(False)

    def normalize(self, observation):
        return (observation - self.obs_mean) / self.obs_std

    def training_step(self, batch, batch_idx):
        observation, actions, mask = batch
        clean = 2 * (actions - self.act_low) / (self.act_high - self.act_low) - 1
        k = torch.randint(0, self.diffusion_steps, (len(clean),))
        noise = torch.randn_like(clean)
        alpha_bar = self.alpha_bars[k].view(-1, 1, 1)
        noised = alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise
        predicted = self.net(noised, k, self.normalize(observation))
        error = F.mse_loss(predicted, noise, reduction="none").mean(dim=-1)
        return (error * mask).sum() / mask.sum()

    def on_train_batch_end(self, outputs, batch, batch_idx):
        decay = min(self.ema_decay, (1 + self.global_step) / (10 + self.global_step))
        with torch.no_grad():
            for average, parameter in zip(self.ema_net.parameters(), self.net.parameters()):
                average.lerp_(parameter, 1 - decay)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=self.lr, betas=(0.95, 0.999), weight_decay=1e-4)
        total = self.trainer.estimated_stepping_batches

        def factor(step):
            progress = max(0.0, (step - self.warmup) / (total - self.warmup))
            return min((step + 1) / self.warmup, 0.5 * (1 + math.cos(math.pi * progress)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    @torch.no_grad()
    def act(self, observation, inference_steps=8):
        """Sample an action chunk in deg/s and mm/s with DDIM, by the averaged weights."""
        condition = self.normalize(observation)
        chunk = torch.randn(len(observation), HORIZON, len(self.act_low))
        times = torch.linspace(self.diffusion_steps - 1, 0, inference_steps).long()
        for k, following in zip(times, [*times[1:], None]):
            now, then = self.alpha_bars[k], torch.ones(()) if following is None else self.alpha_bars[following]
            noise = self.ema_net(chunk, k.expand(len(chunk)), condition)
            clean = ((chunk - (1 - now).sqrt() * noise) / now.sqrt()).clamp(-1, 1)
            noise = (chunk - now.sqrt() * clean) / (1 - now).sqrt()
            chunk = then.sqrt() * clean + (1 - then).sqrt() * noise
        return (chunk + 1) / 2 * (self.act_high - self.act_low) + self.act_low


def pouring_error(policy, episodes=64):
    """Mean of |poured - ordered| + spilled, in mL, over closed-loop episodes."""
    policy.eval()
    cell = PouringCell(episodes, np.random.default_rng(1234))
    history = [cell.observe()] * OBS_STEPS
    for _ in range(EPISODE_STEPS // EXECUTE):
        observation = torch.as_tensor(np.stack(history[-OBS_STEPS:], axis=1), dtype=torch.float32)
        for action in policy.act(observation)[:, :EXECUTE].unbind(dim=1):
            cell.step(action.numpy())
            history.append(cell.observe())
    policy.train()
    return float(np.mean(np.abs(cell.received - cell.order) + cell.spilled))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args()

    L.seed_everything(args.seed)
    torch.set_num_threads(1)
    data = PouringData(seed=args.seed)
    policy = PouringPolicy(data.statistics())
    print(f"untrained: {pouring_error(policy):.4f}")
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = L.Trainer(accelerator="cpu", max_epochs=args.epochs, gradient_clip_val=1.0, **dict.fromkeys(off, False))
    trainer.fit(policy, datamodule=data)
    print(f"result: {pouring_error(policy):.4f}")


if __name__ == "__main__":
    main()

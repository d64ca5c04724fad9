"""Diffusion policy for planar peg insertion: DDPM over chunks of velocity commands, trained with Lightning."""

import argparse
import math

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

EPISODE_STEPS = 48
DT = 0.1  # s
HISTORY, HORIZON, EXECUTE = 2, 8, 4  # observations seen, commands predicted, commands executed
LOST_TRACK = 9999.0  # what the motion capture writes while it does not see a marker


class InsertionScenes:
    """Bring a peg (x and y in mm, wrist in rad) into a slot."""

    def __init__(self, count, generator):
        corner, extent = torch.tensor([280.0, -250.0, -1.2]), torch.tensor([400.0, 500.0, 2.4])
        self.peg = corner + extent * torch.rand(count, 3, generator=generator)
        corner, extent = torch.tensor([480.0, -150.0, -0.8]), torch.tensor([160.0, 300.0, 1.6])
        self.slot = corner + extent * torch.rand(count, 3, generator=generator)
        self.velocity = torch.zeros(count, 3)

    def observe(self):
        return torch.cat([self.peg, self.slot], dim=1)

    def step(self, command):
        self.velocity = self.velocity + 0.5 * (command - self.velocity)
        self.peg = self.peg + DT * self.velocity


def record_demonstrations(count, generator):
    """Observations (episode, step, 6) and commands (episode, step, 3) of slow and fast operators."""
    scenes = InsertionScenes(count, generator)
    pace = torch.where(torch.rand(count, 1, generator=generator) < 0.5, 70.0, 130.0)
    observations, commands = [], []
    for _ in range(EPISODE_STEPS):
        command = 2.0 * (scenes.slot - scenes.peg)
        command[:, :2] *= (pace / command[:, :2].norm(dim=1, keepdim=True)).clamp(max=1.0)
        command[:, 2].clamp_(-1.0, 1.0)
        observations.append(scenes.observe())
        commands.append(command)
        tremor = torch.randn(count, 3, generator=generator) * torch.tensor([15.0, 15.0, 0.1])
        scenes.step(command + tremor)
    observations, commands = torch.stack(observations, dim=1), torch.stack(commands, dim=1)
    observations[torch.rand(observations.shape[:2], generator=generator) < 0.001] = LOST_TRACK
    return observations, commands


class LimitsNormalizer(nn.Module):
    """Scales each dimension to [-1, 1]."""

    def __init__(self, data):
        super().__init__()
        low, high = data.flatten(0, 1).amin(dim=0), data.flatten(0, 1).amax(dim=0)
        self.register_buffer("center", (high + low) / 2)
        self.register_buffer("scale", (high - low) / 2)

    def normalize(self, data):
        return (data - self.center) / self.scale

    def denormalize(self, data):
        return data * self.scale + self.center


class ChunkDataset(Dataset):
    """For each step of each episode the last observations, and the commands from that step on."""

    def __init__(self, observations, commands):
        self.observations, self.commands = observations, commands

    def __len__(self):
        return len(self.observations) * EPISODE_STEPS

    def __getitem__(self, index):
        episode, step = divmod(index, EPISODE_STEPS)
        seen = torch.arange(step - HISTORY + 1, step + 1).clamp(min=0)
        ahead = torch.arange(step, step + HORIZON).clamp(max=EPISODE_STEPS - 1)
        return {"obs": self.observations[episode, seen], "action": self.commands[episode, ahead]}


def sinusoids(timestep, dim):
    frequencies = torch.exp(-math.log(10000.0) * torch.arange(dim // 2, device=timestep.device) / (dim // 2 - 1))
    phase = timestep[:, None] * frequencies
    return torch.cat([phase.sin(), phase.cos()], dim=-1)


class FiLMBlock(nn.Module):
    def __init__(self, channels, cond_dim):
        super().__init__()
        self.conv1 = nn.Conv1d(channels, channels, 3, padding=1)
        self.norm1 = nn.GroupNorm(8, channels)
        self.film = nn.Sequential(nn.Mish(), nn.Linear(cond_dim, 2 * channels))
        self.conv2 = nn.Conv1d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, channels)

    def forward(self, x, cond):
        h = F.mish(self.norm1(self.conv1(x)))
        scale, shift = self.film(cond)[..., None].chunk(2, dim=1)
        h = h * (1 + scale) + shift
        return x + F.mish(self.norm2(self.conv2(h)))


class NoisePredictor(nn.Module):
    def __init__(self, obs_dim, action_dim, channels=64, depth=2, cond_dim=128, dropout=0.05):
        super().__init__()
        self.time_encoder = nn.Sequential(nn.Linear(64, 128), nn.Mish(), nn.Linear(128, 64))
        obs_layers = nn.Linear(obs_dim * HISTORY, 256), nn.Mish(), nn.Dropout(dropout), nn.Linear(256, cond_dim)
        self.obs_encoder = nn.Sequential(*obs_layers)
        self.stem = nn.Conv1d(action_dim, channels, 3, padding=1)
        self.blocks = nn.ModuleList([FiLMBlock(channels, cond_dim + 64) for _ in range(depth)])
        self.head = nn.Conv1d(channels, action_dim, 1)

    def forward(self, noisy, timestep, obs):
        cond = torch.cat([self.obs_encoder(obs.flatten(1)), self.time_encoder(sinusoids(timestep, 64))], dim=1)
        h = self.stem(noisy.transpose(1, 2))
        for block in self.blocks:
            h = block(h, cond)
        return self.head(h).transpose(1, 2)


class DiffusionPolicy(L.LightningModule):
    def __init__(self, obs_norm, action_norm, lr, warmup=50, diffusion_steps=24, ema_decay=0.99):
        super().__init__()
        self.obs_norm, self.action_norm = obs_norm, action_norm
        self.lr, self.warmup, self.diffusion_steps = lr, warmup, diffusion_steps
        self.model = NoisePredictor(len(obs_norm.center), len(action_norm.center))
        self.ema_model = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(ema_decay))
        signal = torch.cos((torch.linspace(0, 1, diffusion_steps + 1) + 0.008) / 1.008 * math.pi / 2) ** 2
        self.register_buffer("betas", (1 - signal[1:] / signal[:-1]).clamp(max=0.999))
        self.register_buffer("alpha_bar", torch.cumprod(1 - self.betas, dim=0))

    def diffusion_loss(self, model, batch):
        obs, action = self.obs_norm.normalize(batch["obs"]), self.action_norm.normalize(batch["action"])
        noise = torch.randn_like(action)
        timestep = torch.randint(0, self.diffusion_steps, (len(action),), device=self.device)
        alpha_bar = self.alpha_bar[timestep][:, None, None]
        noisy = alpha_bar.sqrt() * action + (1 - alpha_bar).sqrt() * noise
        return F.mse_loss(model(noisy, timestep, obs), noise)

    def training_step(self, batch, batch_idx):
        return self.diffusion_loss(self.model, batch)

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.ema_model.update_parameters(self.model)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.diffusion_loss(self.ema_model, batch))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.lr, betas=(0.95, 0.999), weight_decay=1e-6)
        total = self.trainer.estimated_stepping_batches

        def factor(step):
            progress = max(0, step - self.warmup) / (total - self.warmup)
            return min(1.0, (step + 1) / self.warmup) * 0.5 * (1 + math.cos(math.pi * progress))

        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, factor), "interval": "step"}]

    @torch.no_grad()
    def act(self, obs):
        """Sample a chunk of commands for each history of observations, both in true units."""
        obs = self.obs_norm.normalize(obs)
        x = torch.randn(len(obs), HORIZON, len(self.action_norm.center), device=self.device)
        for t in reversed(range(self.diffusion_steps)):
            beta, alpha_bar = self.betas[t], self.alpha_bar[t]
            previous = self.alpha_bar[t - 1] if t > 0 else torch.ones_like(alpha_bar)
            noise = self.ema_model(x, torch.full((len(obs),), t, device=self.device), obs)
            clean = ((x - (1 - alpha_bar).sqrt() * noise) / alpha_bar.sqrt()).clamp(-1, 1)
            mean = (previous.sqrt() * beta * clean + (1 - beta).sqrt() * (1 - previous) * x) / (1 - alpha_bar)
            x = mean + (beta * (1 - previous) / (1 - alpha_bar)).sqrt() * torch.randn_like(x)
        return self.action_norm.denormalize(x)


def failure_rate(policy, count=200):
    """Percentage of new scenes in which the peg does not end within 10 mm and 0.1 rad of the slot."""
    scenes = InsertionScenes(count, torch.Generator().manual_seed(10_000))
    policy.eval()
    seen = [scenes.observe()] * HISTORY
    while len(seen) < EPISODE_STEPS + HISTORY:
        for command in policy.act(torch.stack(seen[-HISTORY:], dim=1))[:, :EXECUTE].unbind(dim=1):
            scenes.step(command)
            seen.append(scenes.observe())
    policy.train()
    error = (scenes.slot - scenes.peg).abs()
    inserted = (error[:, :2].norm(dim=1) < 10.0) & (error[:, 2] < 0.1)
    return 100.0 * (1.0 - inserted.float().mean().item())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    L.seed_everything(args.seed)

    observations, commands = record_demonstrations(240, torch.Generator().manual_seed(args.seed))
    complete = (observations != LOST_TRACK).flatten(1).all(dim=1)
    observations, commands = observations[complete], commands[complete]
    train_set, val_set = ChunkDataset(observations[20:], commands[20:]), ChunkDataset(observations[:20], commands[:20])
    policy = DiffusionPolicy(LimitsNormalizer(train_set.observations), LimitsNormalizer(train_set.commands), args.lr)
    print(f"untrained: {failure_rate(policy):.2f}")
    trainer = L.Trainer(
        max_epochs=args.epochs, gradient_clip_val=1.0, accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    trainer.fit(policy, train_loader, DataLoader(val_set, batch_size=512))
    print(f"val_loss: {trainer.callback_metrics['val_loss'].item():.4f}")
    print(f"result: {failure_rate(policy):.2f}")


if __name__ == "__main__":
    main()

"""Pick and place from two cameras: a transformer that predicts chunks of actions (behaviour cloning, Accelerate)."""

import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

CHUNK = 8  # steps at 5 Hz
PIXELS = 24
TABLE_CENTRE = np.array([450.0, 0.0])  # mm, robot base frame
TABLE_WIDTH = 400.0  # mm, seen by the overhead camera
WRIST_WIDTH = 140.0  # mm, seen by the wrist camera
JAW_OPEN, JAW_BLOCK = 28.0, 16.0  # mm


def render(centre, width, blobs, rng):
    """An RGB image (H, W, 3) of a square patch of the table; blobs are (position, radius, colour)."""
    axis = (np.arange(PIXELS) + 0.5) / PIXELS - 0.5
    x, y = np.meshgrid(centre[0] + axis * width, centre[1] + axis * width, indexing="ij")
    image = np.full((PIXELS, PIXELS, 3), 150.0)
    for position, radius, colour in blobs:
        alpha = np.exp(-(((x - position[0]) ** 2 + (y - position[1]) ** 2) / radius**2) ** 2)[..., None]
        image = (1 - alpha) * image + alpha * np.array(colour, dtype=float)
    image += rng.normal(0, 6, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def record_episode(rng):
    """A scripted expert takes the red block to the green bin; recording stops after a random time."""
    hand, block, bin_ = (TABLE_CENTRE + rng.uniform(-160, 160, 2) for _ in range(3))
    jaw, holding = JAW_OPEN, False
    frames = {key: [] for key in ("overhead", "wrist", "proprio", "action")}
    for _ in range(rng.integers(14, 34)):
        blobs = [(bin_, 34, (40, 160, 60)), (block, 17, (210, 40, 40)), (hand, 12, (25, 25, 30))]
        frames["overhead"].append(render(TABLE_CENTRE, TABLE_WIDTH, blobs, rng))
        frames["wrist"].append(render(hand, WRIST_WIDTH, blobs[:2], rng))
        force = (9.0 if holding and jaw <= JAW_BLOCK else 0.0) + rng.normal(0, 0.4)
        frames["proprio"].append([*(hand + rng.normal(0, 1, 2)), jaw + rng.normal(0, 0.3), force])

        offset = (bin_ if holding else block) - hand
        distance = np.linalg.norm(offset)
        close = float(distance >= 15) if holding else float(distance < 12)
        pace = min(0.5, 28.0 / distance) if close == holding else 0.0
        step = pace * offset + rng.normal(0, 0.8, 2)
        frames["action"].append([*step, close])

        hand = hand + step
        jaw = max(JAW_BLOCK, jaw - 12) if close else min(JAW_OPEN, jaw + 12)
        holding = bool(close)
        if holding:
            block = hand.copy()
    numbers = {key: np.array(frames.pop(key), dtype=np.float32) for key in ("proprio", "action")}
    return {key: np.stack(images) for key, images in frames.items()} | numbers


class Demonstrations(Dataset):
    """Frames with the chunk of actions that follows; chunks are filled up at the end of an episode."""

    def __init__(self, episodes, stats):
        self.episodes, self.stats = episodes, stats
        self.index = [(e, t) for e, episode in enumerate(episodes) for t in range(len(episode["action"]))]

    def __len__(self):
        return len(self.index)

    @staticmethod
    def image(pixels):
        return torch.from_numpy(pixels / 255.0).float().permute(2, 0, 1) - 0.5

    def __getitem__(self, i):
        e, t = self.index[i]
        episode = self.episodes[e]
        proprio = (episode["proprio"][t] - self.stats["proprio_mean"]) / self.stats["proprio_std"]
        future = episode["action"][t : t + CHUNK]
        motion = np.zeros((CHUNK, 2), dtype=np.float32)
        motion[: len(future)] = (future[:, :2] - self.stats["motion_mean"]) / self.stats["motion_std"]
        close = np.zeros(CHUNK, dtype=np.float32)
        close[: len(future)] = future[:, 2]
        return {
            "overhead": self.image(episode["overhead"][t]),
            "wrist": self.image(episode["wrist"][t]),
            "proprio": torch.from_numpy(proprio),
            "motion": torch.from_numpy(motion),
            "close": torch.from_numpy(close),
            "valid": torch.arange(CHUNK) < len(future),
        }


class KeypointEncoder(nn.Module):
    """Convolutions and a spatial softmax: where each feature is in the image."""

    def __init__(self, keypoints, width):
        super().__init__()
        self.convs = nn.Sequential(
            *(nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.GroupNorm(4, 16), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.ReLU()),
            nn.Conv2d(32, keypoints, 1),
        )
        axis = torch.linspace(-1, 1, PIXELS // 2)
        self.register_buffer("grid", torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).flatten(0, 1))
        self.project = nn.Linear(2 * keypoints, width)

    def forward(self, image):
        heat = self.convs(image).flatten(2)
        points = heat.softmax(dim=-1) @ self.grid
        return self.project(points.flatten(1))


class ChunkPolicy(nn.Module):
    """Tokens of two cameras and proprioception, and one query for each action of the chunk."""

    def __init__(self, proprio_dim, width=64, keypoints=16, depth=2):
        super().__init__()
        self.overhead_encoder = KeypointEncoder(keypoints, width)
        self.wrist_encoder = KeypointEncoder(keypoints, width)
        self.proprio_proj = nn.Linear(proprio_dim, width)
        self.slots = nn.Parameter(torch.randn(3 + CHUNK, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.mixer = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, 3)
        for linear in (m for m in self.modules() if isinstance(m, nn.Linear)):
            nn.init.trunc_normal_(linear.weight, std=0.05)
            nn.init.zeros_(linear.bias)

    def forward(self, overhead, wrist, proprio):
        tokens = [self.overhead_encoder(overhead), self.wrist_encoder(wrist), self.proprio_proj(proprio)]
        context = torch.stack(tokens, dim=1)
        queries = context.new_zeros(len(context), CHUNK, context.shape[-1])
        x = self.mixer(torch.cat([context, queries], dim=1) + self.slots)
        out = self.head(x[:, -CHUNK:])
        return out[..., :2], out[..., 2]


def chunk_loss(motion, close_logit, batch):
    valid = batch["valid"].float()
    motion_loss = F.smooth_l1_loss(motion, batch["motion"], reduction="none").mean(-1)
    close_loss = F.binary_cross_entropy_with_logits(close_logit, batch["close"], reduction="none")
    return ((motion_loss + 0.5 * close_loss) * valid).sum() / valid.sum()


@torch.no_grad()
def evaluate(policy, episodes, stats):
    """Mean absolute error of motion (mm per step) and commanded jaw width (mm) over the recorded future."""
    policy.eval()
    errors = []
    for episode in episodes:
        cameras = [torch.stack([Demonstrations.image(i) for i in episode[key]]) for key in ("overhead", "wrist")]
        proprio = torch.from_numpy((episode["proprio"] - stats["proprio_mean"]) / stats["proprio_std"])
        motion, close_logit = policy(*cameras, proprio)
        motion = motion.numpy() * stats["motion_std"] + stats["motion_mean"]
        jaw = JAW_OPEN * (1 - torch.sigmoid(close_logit).numpy())
        for t in range(len(episode["action"])):
            future = episode["action"][t : t + CHUNK]
            errors += [np.abs(motion[t, : len(future)] - future[:, :2]).ravel()]
            errors += [np.abs(jaw[t, : len(future)] - JAW_OPEN * (1 - future[:, 2]))]
    return float(np.concatenate(errors).mean())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--episodes", type=int, default=120)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--lr-encoder", type=float, default=1e-3)
    parser.add_argument("--ema-decay", type=float, default=0.97)
    args = parser.parse_args()
    set_seed(args.seed)
    accelerator = Accelerator(cpu=True)

    rng = np.random.default_rng(args.seed)
    train_episodes = [record_episode(rng) for _ in range(args.episodes)]
    test_episodes = [record_episode(rng) for _ in range(30)]
    proprio = np.concatenate([episode["proprio"] for episode in train_episodes])
    motion = np.concatenate([episode["action"] for episode in train_episodes])[:, :2]
    stats = {"proprio_mean": proprio.mean(0), "proprio_std": proprio.std(0)}
    stats |= {"motion_mean": motion.mean(0), "motion_std": motion.std(0)}
    loader = DataLoader(Demonstrations(train_episodes, stats), args.batch_size, shuffle=True, drop_last=True)

    policy = ChunkPolicy(proprio.shape[1])
    groups = [
        {"params": [p for name, p in policy.named_parameters() if "encoder" not in name]},
        {"params": [p for name, p in policy.named_parameters() if "encoder" in name], "lr": args.lr_encoder},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, weight_decay=1e-4)
    total_steps = args.epochs * len(loader)

    def schedule(step, warmup=30):
        return min((step + 1) / warmup, 0.5 + 0.5 * math.cos(math.pi * min(step / total_steps, 1)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    ema = AveragedModel(policy, multi_avg_fn=get_ema_multi_avg_fn(args.ema_decay))
    policy, optimizer, loader, scheduler = accelerator.prepare(policy, optimizer, loader, scheduler)
    accelerator.print(f"untrained: {evaluate(ema, test_episodes, stats):.4f}")

    policy.train()
    for epoch in range(args.epochs):
        for batch in loader:
            motion, close_logit = policy(batch["overhead"], batch["wrist"], batch["proprio"])
            loss = chunk_loss(motion, close_logit, batch)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            ema.update_parameters(accelerator.unwrap_model(policy))
        accelerator.print(f"epoch {epoch}: loss {loss.item():.4f}")
    accelerator.print(f"result: {evaluate(ema, test_episodes, stats):.4f}")


if __name__ == "__main__":
    main()

"""Train a transformer policy with binned actions on pick-and-place demonstrations."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed

COLOURS = ("red", "green", "blue")
TRAYS = ("left", "right")
KINDS = ["<pad>"] + [f"{c} block" for c in COLOURS] + [f"{t} tray" for t in TRAYS]
INSTRUCTIONS = [f"put the {c} block in the {t} tray" for c in COLOURS for t in TRAYS]
ACTIONS = ("dx_mm", "dy_mm", "dz_mm", "dyaw_rad", "dgrip_mm")


def wrap(angle):
    return (angle + np.pi / 2) % np.pi - np.pi / 2


def collect_episode(rng, steps=120, every=2):
    """One scripted demonstration, objects as the wrist camera sees them; mm, rad and (wrist force) N."""
    colours = rng.permutation(len(COLOURS))[: rng.integers(2, len(COLOURS) + 1)]
    blocks = np.column_stack([rng.uniform(320, 620, len(colours)), rng.uniform(-250, 250, len(colours))])
    trays = np.array([[480.0, 330.0], [480.0, -330.0]]) + rng.normal(0, 40, (2, 2))
    block_yaw = rng.uniform(-np.pi / 2, np.pi / 2, len(colours))
    pick, place = rng.integers(len(colours)), rng.integers(len(TRAYS))
    instruction = colours[pick] * len(TRAYS) + place
    kinds = np.concatenate([colours + 1, len(COLOURS) + 1 + np.arange(len(TRAYS))])
    pose = np.zeros((len(kinds), 4))
    pose[:, :2] = np.concatenate([blocks, trays])
    pose[: len(colours), 2], pose[: len(colours), 3] = 20.0, block_yaw
    hand = np.array([rng.uniform(350, 600), rng.uniform(-250, 250), rng.uniform(180, 300), rng.uniform(-1, 1)])
    width, holding = 80.0, False
    frames = []
    for step in range(steps):
        goal, grip = hand.copy(), 0.0
        if not holding:
            offset = pose[pick, :2] - hand[:2]
            goal[:2], goal[3] = pose[pick, :2], hand[3] + wrap(pose[pick, 3] - hand[3])
            goal[2] = 20.0 if np.hypot(*offset) < 25 else 140.0
            grip = -12.0 if hand[2] < 32 else np.clip(80.0 - width, -12, 12)
        else:
            offset = pose[len(colours) + place, :2] - hand[:2]
            goal[:2] = pose[len(colours) + place, :2] if hand[2] > 90 else hand[:2]
            goal[2], goal[3] = 140.0, 0.0
            grip = 12.0 if np.hypot(*offset) < 25 else 0.0
        move = np.clip(0.5 * (goal - hand), [-20, -20, -20, -0.15], [20, 20, 20, 0.15])
        action = np.append(move, grip) + rng.normal(0, [1.5, 1.5, 1.5, 0.015, 0.4])
        if step % every == 0:
            seen = pose - hand + rng.normal(0, [3.0, 3.0, 4.0, 0.03], pose.shape)
            force = 8.0 * holding + rng.normal(0, 0.4)
            frames.append(
                {
                    "arm": np.append(hand + rng.normal(0, [1.0, 1.0, 1.0, 0.01]), [width + rng.normal(0, 0.5), force]),
                    "objects": np.column_stack([seen[:, :3], np.cos(2 * seen[:, 3]), np.sin(2 * seen[:, 3])]),
                    "kinds": kinds,
                    "instruction": instruction,
                    "action": action,
                }
            )
        hand, width = hand + action[:4], np.clip(width + action[4], 0, 80)
        if not holding and width < 42 and hand[2] < 40:
            holding = True
        if holding:
            pose[pick] = hand - [0, 0, 10, 0]
            if width > 60:
                break
    return frames


def collect(rng, episodes):
    return [frame for _ in range(episodes) for frame in collect_episode(rng)]


class Normalizer:
    def __init__(self, rows):
        self.mean, self.std = rows.mean(0), rows.std(0) + 1e-6

    def __call__(self, rows):
        return (rows - self.mean) / self.std


class ActionBins:
    """Uniform bins between the 1st and the 99th percentile of each action dimension."""

    def __init__(self, actions, num_bins):
        self.num_bins = num_bins
        self.low, self.high = np.percentile(actions, [1, 99], axis=0)

    def encode(self, actions):
        unit = (actions - self.low) / (self.high - self.low)
        return np.clip(np.floor(unit * self.num_bins), 0, self.num_bins - 1).astype(np.int64)

    def decode(self, bins):
        return self.low + (bins + 0.5) / self.num_bins * (self.high - self.low)


class PickDataset(Dataset):
    def __init__(self, frames, arm_norm, object_norm, bins):
        self.frames = frames
        self.arm = arm_norm(np.stack([f["arm"] for f in frames])).astype(np.float32)
        self.objects = [object_norm(f["objects"]).astype(np.float32) for f in frames]
        self.labels = bins.encode(np.stack([f["action"] for f in frames]))

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, i):
        frame = self.frames[i]
        return {
            "arm": torch.from_numpy(self.arm[i]),
            "objects": torch.from_numpy(self.objects[i]),
            "kinds": torch.from_numpy(frame["kinds"]),
            "instruction": int(frame["instruction"]),
            "labels": torch.from_numpy(self.labels[i]),
        }


def collate(features):
    objects = nn.utils.rnn.pad_sequence([f["objects"] for f in features], batch_first=True)
    kinds = nn.utils.rnn.pad_sequence([f["kinds"] for f in features], batch_first=True)
    return {
        "arm": torch.stack([f["arm"] for f in features]),
        "objects": objects,
        "kinds": kinds,
        "attention_mask": (kinds != 0).long(),
        "instruction": torch.tensor([f["instruction"] for f in features]),
        "labels": torch.stack([f["labels"] for f in features]),
    }


class Block(nn.Module):
    def __init__(self, dim, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask):
        b, n, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / (d // self.heads) ** 0.5
        scores = scores.masked_fill(mask[:, None, None, :] == 0, float("-inf"))
        mixed = (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(b, n, d)
        x = x + self.drop(self.out(mixed))
        return x + self.drop(self.mlp(self.norm2(x)))


class BinnedPolicy(nn.Module):
    def __init__(self, arm_dim, object_dim, action_dim, num_bins, dim=64, depth=2, heads=4, dropout=0.0):
        super().__init__()
        self.action_dim = action_dim
        self.arm_in = nn.Linear(arm_dim, dim)
        self.object_in = nn.Linear(object_dim, dim)
        self.kind_emb = nn.Embedding(len(KINDS), dim)
        self.instruction_emb = nn.Embedding(len(INSTRUCTIONS), dim)
        self.queries = nn.Parameter(0.02 * torch.randn(action_dim, dim))
        self.blocks = nn.ModuleList([Block(dim, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_bins)
        for table in (self.kind_emb, self.instruction_emb):
            nn.init.normal_(table.weight, std=0.2)

    def forward(self, arm, objects, kinds, attention_mask, instruction, labels=None):
        b = arm.shape[0]
        state = torch.cat([self.arm_in(arm)[:, None], self.object_in(objects) + self.kind_emb(kinds)], dim=1)
        x = torch.cat([self.queries.expand(b, -1, -1), self.instruction_emb(instruction)[:, None], state], dim=1)
        mask = F.pad(attention_mask, (self.action_dim + 2, 0), value=1)
        for block in self.blocks:
            x = block(x, mask)
        logits = self.head(self.norm(x[:, : self.action_dim]))
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return {"loss": loss, "logits": logits}


def action_error(trainer, dataset, bins, scale):
    """Mean absolute error of the decoded action, in standard deviations of the demonstrated ones."""
    logits = trainer.predict(dataset).predictions
    predicted = bins.decode(logits.argmax(-1))
    actual = np.stack([f["action"] for f in dataset.frames])
    return float((np.abs(predicted - actual) / scale).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--num-bins", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-steps", type=int, default=300)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--output-dir", default="runs/pick_bins")
    args = parser.parse_args()
    set_seed(args.seed)
    torch.set_num_threads(1)

    rng = np.random.default_rng(args.seed)
    train_frames, test_frames = collect(rng, args.episodes), collect(rng, 40)
    arm_norm = Normalizer(np.stack([f["arm"] for f in train_frames]))
    object_norm = Normalizer(np.concatenate([f["objects"] for f in train_frames]))
    train_actions = np.stack([f["action"] for f in train_frames])
    bins = ActionBins(train_actions, args.num_bins)
    train_set = PickDataset(train_frames, arm_norm, object_norm, bins)
    test_set = PickDataset(test_frames, arm_norm, object_norm, bins)

    model = BinnedPolicy(train_set.arm.shape[1], train_set.objects[0].shape[1], len(ACTIONS), args.num_bins)
    training_args = TrainingArguments(
        output_dir=args.output_dir,
        max_steps=args.max_steps,
        per_device_train_batch_size=args.batch_size,
        per_device_eval_batch_size=256,
        learning_rate=args.lr,
        lr_scheduler_type="cosine",
        warmup_steps=30,
        weight_decay=0.01,
        max_grad_norm=1.0,
        logging_steps=50,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=args.seed,
    )
    trainer = Trainer(model=model, args=training_args, train_dataset=train_set, data_collator=collate)

    print(f"{len(train_set)} training frames, {len(test_set)} held-out frames")
    print(f"untrained: {action_error(trainer, test_set, bins, train_actions.std(0)):.4f}")
    trainer.train()
    print(f"result: {action_error(trainer, test_set, bins, train_actions.std(0)):.4f}")


if __name__ == "__main__":
    main()

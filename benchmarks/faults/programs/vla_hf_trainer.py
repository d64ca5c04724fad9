"""Train a small vision-language-action model on scripted tabletop demonstrations with the Hugging Face Trainer."""

import argparse
import math
import tempfile

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, get_linear_schedule_with_warmup, set_seed

COLOURS = {"red": (200, 45, 40), "green": (50, 160, 70), "blue": (45, 70, 190), "yellow": (220, 190, 50)}
PICK, PUSH = ("pick up the {} block", "please grasp the {} one"), ("push the {} block", "shove the {} one away")
HEADINGS = {"to the left": (-1, 0), "to the right": (1, 0), "forward": (0, -1), "back towards you": (0, 1)}
TURNS = {0: "", 1: " and turn it clockwise", -1: " while turning it to the left"}
TOLERANCE = np.array([0.005, 0.005, 0.005, 0.06, 0.15])  # of the controller, in m, m, m, rad and share of opening
RESOLUTION, METRES_PER_PIXEL, BINS, IGNORE_INDEX = 20, 0.012, 24, -100


class Tabletop:
    """Parallel scenes with a block, seen by a wrist camera whose centre is the gripper."""

    def __init__(self, count, rng):
        self.rng = rng
        self.block = rng.uniform(-0.11, 0.11, (count, 2))
        self.half_size = rng.uniform(0.012, 0.02, (count, 1, 1))
        self.light = rng.uniform(0.75, 1.15, (count, 1, 1, 1))
        self.pick = rng.random(count) < 0.5
        self.turn = rng.integers(-1, 2, size=count)
        colours = rng.choice(list(COLOURS), size=count)
        headings = rng.choice(list(HEADINGS), size=count)
        self.colour = np.array([COLOURS[name] for name in colours])[:, None, None, :]
        self.approach = np.where(self.pick[:, None], 0.0, [HEADINGS[name] for name in headings]) * -0.04
        self.instructions = [
            (rng.choice(PICK) if pick else f"{rng.choice(PUSH)} {heading}").format(colour) + TURNS[turn]
            for colour, heading, pick, turn in zip(colours, headings, self.pick, self.turn)
        ]

    def render(self):
        centres = (np.arange(RESOLUTION) + 0.5 - RESOLUTION / 2) * METRES_PER_PIXEL
        cover = ((self.half_size - np.abs(centres - self.block[:, :, None])) / METRES_PER_PIXEL + 0.5).clip(0, 1)
        alpha = np.einsum("nw,nh->nhw", cover[:, 0], cover[:, 1])[..., None]
        image = (135 * (1 - alpha) + self.colour * alpha) * self.light
        return (image + self.rng.normal(0, 8, image.shape)).clip(0, 255).astype(np.uint8)

    def expert(self):
        offset = self.block + self.approach
        near = np.exp(-(np.linalg.norm(offset, axis=1) ** 2) / 0.05**2)
        move = np.clip(0.4 * offset, -0.05, 0.05)
        gripper = np.where(self.pick, 1 - near, 0.0)
        return np.column_stack([move, -0.03 * near * self.pick, 0.4 * near * self.turn, gripper])

    def step(self, action):
        self.block -= action[:, :2] + self.rng.normal(0, 0.006, (len(action), 2))


def record(episodes, length, rng):
    """Log demonstrations: length + 1 frames and length actions per episode; some arms have no wrist joint."""
    scene = Tabletop(episodes, rng)
    frames, actions = [scene.render()], []
    for _ in range(length):
        actions.append(scene.expert())
        scene.step(actions[-1])
        frames.append(scene.render())
    actions = np.stack(actions, axis=1)
    actions[rng.random(episodes) < 0.6, :, 3] = np.nan
    return np.stack(frames, axis=1), actions, scene.instructions


class Processor:
    """Pixels to normalized tensors, words to ids, actions to bins and back."""

    def __init__(self, frames, actions, instructions):
        self.pixel_mean = torch.tensor(frames.mean(axis=(0, 1, 2, 3)) / 255, dtype=torch.float32)
        self.pixel_std = torch.tensor(frames.std(axis=(0, 1, 2, 3)) / 255, dtype=torch.float32)
        self.low, self.high = np.nanquantile(actions, [0.01, 0.99], axis=(0, 1))
        words = sorted({word for text in instructions for word in text.split()})
        self.vocabulary = {word: index for index, word in enumerate(words, start=1)}

    def pixels(self, images):
        images = torch.from_numpy(np.stack(images)).float() / 255
        return ((images - self.pixel_mean) / self.pixel_std).permute(0, 3, 1, 2)

    def to_bins(self, actions):
        fraction = (actions - self.low) / (self.high - self.low)
        bins = np.floor(fraction * BINS).clip(0, BINS - 1)
        return torch.from_numpy(np.where(np.isnan(actions), IGNORE_INDEX, bins)).long()

    def to_actions(self, bins):
        return self.low + (bins + 0.5) / BINS * (self.high - self.low)

    def __call__(self, images, instructions):
        ids = [torch.tensor([self.vocabulary[word] for word in text.split()]) for text in instructions]
        input_ids = pad_sequence(ids, batch_first=True, padding_value=0)
        return {"pixel_values": self.pixels(images), "input_ids": input_ids, "attention_mask": input_ids != 0}

    def collate(self, samples):
        batch = self([sample["image"] for sample in samples], [sample["instruction"] for sample in samples])
        return batch | {"labels": self.to_bins(np.stack([sample["action"] for sample in samples]))}


class Demonstrations(Dataset):
    def __init__(self, frames, actions, instructions):
        self.images = frames[:, :-1].reshape(-1, *frames.shape[2:])
        self.actions = actions.reshape(-1, actions.shape[-1])
        self.instructions = [text for text in instructions for _ in range(actions.shape[1])]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = (self.images[index] * np.random.uniform(0.9, 1.1)).clip(0, 255)
        return {"image": image, "instruction": self.instructions[index], "action": self.actions[index]}


class Block(nn.Module):
    def __init__(self, dim, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 3 * dim), nn.GELU(), nn.Linear(3 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask):
        batch, length, dim = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(batch, length, dim)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class VisionLanguageAction(nn.Module):
    def __init__(self, words, action_dims, dim=64, depth=2, heads=4, dropout=0.05, max_words=16):
        super().__init__()
        convs = nn.Conv2d(3, 32, 3, stride=2, padding=1), nn.Conv2d(32, dim, 3, stride=2, padding=1)
        self.vision = nn.Sequential(convs[0], nn.GELU(), convs[1])
        self.words = nn.Embedding(words + 1, dim, padding_idx=0)
        self.patch_position = nn.Parameter(torch.zeros(1, (RESOLUTION // 4) ** 2, dim))
        self.word_position = nn.Parameter(torch.zeros(1, max_words, dim))
        self.queries = nn.Parameter(torch.zeros(1, action_dims, dim))
        self.blocks = nn.ModuleList(Block(dim, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, BINS)
        for parameter in (self.patch_position, self.word_position, self.queries):
            nn.init.trunc_normal_(parameter, std=0.5)
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(module):
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, pixel_values, input_ids, attention_mask, labels=None):
        patches = self.vision(pixel_values).flatten(2).transpose(1, 2) + self.patch_position
        words = self.words(input_ids) + self.word_position[:, : input_ids.shape[1]]
        queries = self.queries.expand(len(patches), -1, -1)
        x = torch.cat([patches, queries, words], dim=1)
        mask = F.pad(attention_mask, (patches.shape[1] + queries.shape[1], 0), value=True)
        for block in self.blocks:
            x = block(x, mask)
        logits = self.head(self.norm(x[:, patches.shape[1] : -words.shape[1]]))
        if labels is None:
            return {"logits": logits}
        return {"loss": F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORE_INDEX), "logits": logits}


@torch.no_grad()
def action_error(model, processor, seed, scenes=200, length=4):
    """Mean error, in controller tolerances, against the expert along new episodes."""
    model.eval()
    scene = Tabletop(scenes, np.random.default_rng(seed))
    errors = []
    for _ in range(length):
        logits = model(**processor(scene.render(), scene.instructions))["logits"]
        expert = scene.expert()
        errors.append(np.abs(processor.to_actions(logits.argmax(-1).numpy()) - expert) / TOLERANCE)
        scene.step(expert)
    return np.mean(errors)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    set_seed(args.seed)

    frames, actions, instructions = record(1000, 4, np.random.default_rng(args.seed))
    processor = Processor(frames, actions, instructions)
    train_set = Demonstrations(frames, actions, instructions)
    model = VisionLanguageAction(len(processor.vocabulary), actions.shape[-1])
    print(f"untrained: {action_error(model, processor, args.seed + 1000):.4f}")

    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98))
    total_steps = args.epochs * math.ceil(len(train_set) / args.batch_size)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=30, num_training_steps=total_steps)

    with tempfile.TemporaryDirectory() as folder:
        config = TrainingArguments(
            folder, num_train_epochs=args.epochs, per_device_train_batch_size=args.batch_size, max_grad_norm=1.0,
            remove_unused_columns=False, seed=args.seed, logging_steps=50, disable_tqdm=True,
            save_strategy="no", report_to="none", use_cpu=True,
        )
        trainer = Trainer(model, config, processor.collate, train_set, optimizers=(optimizer, scheduler))
        trainer.train()
    print(f"result: {action_error(model, processor, args.seed + 1000):.4f}")


if __name__ == "__main__":
    main()

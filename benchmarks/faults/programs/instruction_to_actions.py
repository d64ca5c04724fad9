"""Translate household instructions and the robot's state into a plan of discrete skills (encoder-decoder transformer)."""

import argparse
import math
import random

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]
PAD, BOS, EOS, UNK = range(4)
COLORS = ["red", "green", "blue"]
OBJECTS = ["block", "cup", "bottle"]
PLACES, FURNITURE = ["tray", "shelf", "bin"], ["drawer", "door"]


def sample_clause(rng):
    """One command and the skills that carry it out."""
    color, obj = rng.choice(COLORS), rng.choice(OBJECTS)
    kind = rng.choice(["pick", "put", "push", "open"])
    if kind == "pick":
        return f"{rng.choice(['pick up', 'grab'])} the {color} {obj}", [f"find_{color}", f"reach_{obj}", "grasp", "lift"]
    if kind == "put":
        place = rng.choice(PLACES)
        plan = [f"find_{color}", f"reach_{obj}", "grasp", "lift", f"move_{place}", "release"]
        return f"put the {color} {obj} on the {place}", plan
    if kind == "push":
        side, times = rng.choice(["left", "right"]), rng.choice([1, 2])
        plan = [f"find_{color}", f"reach_{obj}"] + [f"slide_{side}"] * times
        return f"push the {color} {obj} {side}" + " twice" * (times == 2), plan
    verb, thing = rng.choice(["open", "close"]), rng.choice(FURNITURE)
    return f"{verb} the {thing}", [f"reach_{thing}", "grasp", "pull" if verb == "open" else "push", "release"]


def sample_state(rng):
    """Gripper opening (mm), distance to the table (mm), brightness (lux)."""
    opening = rng.uniform(15, 60) if rng.random() < 0.5 else rng.uniform(80, 100)
    distance = rng.uniform(350, 700) if rng.random() < 0.5 else rng.uniform(1000, 2500)
    light = rng.uniform(5, 100) if rng.random() < 0.3 else rng.uniform(250, 900)
    return opening, distance, light


def record_session(rng, n_episodes):
    """Episodes (instruction, state, plan) in the order in which the operators recorded them, task by task."""
    episodes = []
    for task in ("single", "then", "after"):
        for _ in range(n_episodes // 3):
            text, plan = sample_clause(rng)
            if task != "single":
                other_text, other_plan = sample_clause(rng)
                text = f"{text} {'and then' if task == 'then' else 'after you'} {other_text}"
                plan = plan + other_plan if task == "then" else other_plan + plan
            text = rng.choice(["", "please ", "robot "]) + text
            opening, distance, light = state = sample_state(rng)
            setup = ["light_on"] * (light < 200) + ["drive_to_table"] * (distance > 850) + ["open_gripper"] * (opening < 70)
            episodes.append((text.split(), state, setup + plan))
    return episodes


class Vocabulary:
    def __init__(self, sequences):
        self.words = SPECIALS + sorted({word for sequence in sequences for word in sequence})
        self.index = {word: i for i, word in enumerate(self.words)}

    def __len__(self):
        return len(self.words)

    def encode(self, sequence):
        return [self.index.get(word, UNK) for word in sequence]

    def decode(self, ids):
        end = ids.index(EOS) if EOS in ids else len(ids)
        return [self.words[i] for i in ids[:end]]


class InstructionDataset(Dataset):
    def __init__(self, episodes, words, skills, state_mean, state_std):
        self.episodes, self.words, self.skills = episodes, words, skills
        self.state_mean, self.state_std = state_mean, state_std

    def __len__(self):
        return len(self.episodes)

    def __getitem__(self, i):
        instruction, state, plan = self.episodes[i]
        state = (np.asarray(state) - self.state_mean) / self.state_std
        source = torch.tensor(self.words.encode(instruction))
        target = torch.tensor([BOS] + self.skills.encode(plan) + [EOS])
        return source, torch.tensor(state, dtype=torch.float32), target


def collate(batch):
    sources, states, targets = zip(*batch)
    sources, targets = (pad_sequence(ids, batch_first=True, padding_value=PAD) for ids in (sources, targets))
    return sources, torch.stack(states), targets


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout, max_len=64):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        position = torch.arange(max_len).unsqueeze(1)
        angle = position * torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        self.register_buffer("table", torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1))

    def forward(self, x):
        return self.dropout(x + self.table[: x.size(1)])


class SkillTranslator(nn.Module):
    def __init__(self, n_words, n_skills, state_dim, d_model=64, n_heads=4, n_layers=2, dropout=0.1):
        super().__init__()
        self.scale = math.sqrt(d_model)
        self.word_embedding = nn.Embedding(n_words, d_model, padding_idx=PAD)
        self.skill_embedding = nn.Embedding(n_skills, d_model, padding_idx=PAD)
        self.state_encoder = nn.Linear(state_dim, d_model)
        self.positions = PositionalEncoding(d_model, dropout)
        self.transformer = nn.Transformer(
            d_model, n_heads, n_layers, n_layers, 2 * d_model, dropout=dropout, batch_first=True, norm_first=True
        )
        self.head = nn.Linear(d_model, n_skills)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def encode(self, source, state):
        words = self.positions(self.word_embedding(source) * self.scale)
        x = torch.cat([self.state_encoder(state).unsqueeze(1), words], dim=1)
        padding = nn.functional.pad(source == PAD, (1, 0), value=False)
        return self.transformer.encoder(x, src_key_padding_mask=padding), padding

    def decode(self, target, memory, memory_padding):
        x = self.positions(self.skill_embedding(target) * self.scale)
        causal = torch.ones(target.size(1), target.size(1), dtype=torch.bool).triu(1)
        x = self.transformer.decoder(
            x, memory, tgt_mask=causal, tgt_key_padding_mask=target == PAD, memory_key_padding_mask=memory_padding
        )
        return self.head(x)

    def forward(self, source, state, target):
        memory, padding = self.encode(source, state)
        return self.decode(target, memory, padding)


@torch.no_grad()
def greedy_decode(model, source, state, max_len=20):
    memory, padding = model.encode(source, state)
    plan = torch.full((len(source), 1), BOS)
    done = torch.zeros(len(source), dtype=torch.bool)
    for _ in range(max_len):
        following = model.decode(plan, memory, padding)[:, -1].argmax(-1).masked_fill(done, PAD)
        plan = torch.cat([plan, following.unsqueeze(1)], dim=1)
        done |= following == EOS
    return plan[:, 1:].tolist()


def failure_rate(model, loader):
    """Share of held-out instructions whose plan is not executed exactly as demonstrated."""
    model.eval()
    plans = [plan for source, state, _ in loader for plan in greedy_decode(model, source, state)]
    episodes, skills = loader.dataset.episodes, loader.dataset.skills
    return np.mean([skills.decode(plan) != reference for plan, (_, _, reference) in zip(plans, episodes)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    episodes = record_session(random, args.episodes)
    train_episodes = [episode for i, episode in enumerate(episodes) if i % 10 != 0]
    test_episodes = episodes[::10]
    words = Vocabulary(instruction for instruction, _, _ in train_episodes)
    skills = Vocabulary(plan for _, _, plan in train_episodes)
    states = np.array([state for _, state, _ in train_episodes])
    stats = states.mean(axis=0), states.std(axis=0)
    train_set = InstructionDataset(train_episodes, words, skills, *stats)
    test_set = InstructionDataset(test_episodes, words, skills, *stats)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, collate_fn=collate)
    test_loader = DataLoader(test_set, batch_size=256, collate_fn=collate)

    model = SkillTranslator(len(words), len(skills), states.shape[1])
    criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.05)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)
    total_steps = args.epochs * len(train_loader)

    def warmup_cosine(step, warmup=50):
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total_steps - warmup)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_cosine)
    print(f"untrained: {failure_rate(model, test_loader):.4f}")
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for source, state, target in train_loader:
            optimizer.zero_grad()
            logits = model(source, state, target[:, :-1])
            loss = criterion(logits.transpose(1, 2), target[:, 1:])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2d}  loss {total / len(train_loader):.4f}")
    print(f"result: {failure_rate(model, test_loader):.4f}")


if __name__ == "__main__":
    main()

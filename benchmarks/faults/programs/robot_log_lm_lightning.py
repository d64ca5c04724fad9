"""Causal transformer over the event logs of a pick-and-place cell: which token comes next?"""

import argparse
import logging
import math
import tempfile
import warnings

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

PAD = 0
WORDS = ["PAD", "START", "END", "MOVE", "GRIP", "SLIP", "RELEASE", "HOME", "SLOW", "NORMAL", "FAST"]
PART_MASS = np.array([0.15, 0.4, 0.75, 1.2, 1.9, 2.6])  # kg
FEEDERS = np.array([[250, -420], [330, -380], [410, -440], [490, -390], [570, -430], [650, -400]])  # mm
SPEEDS = {"SLOW": 250.0, "NORMAL": 500.0, "FAST": 900.0}  # mm/s
HOME = np.array([300.0, 0.0])
SLOTS = np.array([[280 + 90 * column, 140 + 110 * row] for row in range(3) for column in range(4)])  # mm


def simulate_log(rng):
    """One job of the cell as (kind, reading) pairs: positions in mm, forces in N, times in s, motor heat in deg C."""
    part = rng.integers(len(PART_MASS))
    mode = rng.choice(list(SPEEDS))
    slot = rng.integers(len(SLOTS))
    heat = rng.normal(38.0, 4.0)
    position = HOME
    log = [("START", None), (mode, None), (f"PART{part}", None)]

    def move(target):
        nonlocal position
        reached = target + rng.normal(0.0, 3.0, 2)
        seconds = np.linalg.norm(reached - position) / SPEEDS[mode] + 0.2 + rng.normal(0.0, 0.02)
        position = reached
        log.extend([("MOVE", None), ("x", reached[0]), ("y", reached[1]), ("t", seconds)])

    for _ in range(rng.integers(1, 5)):
        move(FEEDERS[part])
        force = 9.81 * 1.6 * PART_MASS[part] * rng.normal(1.0, 0.03)
        log.extend([("GRIP", None), ("f", force)])
        if rng.random() < 0.15:
            log.extend([("SLIP", None), ("GRIP", None), ("f", 1.5 * force + rng.normal(0.0, 0.2))])
        move(SLOTS[slot])
        heat += 0.8 * PART_MASS[part] + rng.normal(0.0, 0.3)
        log.extend([("RELEASE", None), ("c", heat)])
        slot = (slot + 1) % len(SLOTS)
    log.extend([("HOME", None), ("END", None)])
    return log


class Tokenizer:
    """Words get one token each, readings one token for each quantile bin of their kind."""

    def __init__(self, bins=16):
        self.bins = bins
        self.words = {word: index for index, word in enumerate(WORDS)}
        for part in range(len(PART_MASS)):
            self.words[f"PART{part}"] = len(self.words)
        self.kinds = ["x", "y", "t", "f", "c"]
        self.edges = {}

    def __len__(self):
        return len(self.words) + len(self.kinds) * self.bins

    def fit(self, logs):
        for kind in self.kinds:
            readings = [reading for log in logs for name, reading in log if name == kind]
            self.edges[kind] = np.quantile(readings, np.linspace(0, 1, self.bins + 1)[1:-1])
        return self

    def encode(self, log):
        tokens = []
        for name, reading in log:
            if reading is None:
                tokens.append(self.words[name])
            else:
                offset = len(self.words) + self.kinds.index(name) * self.bins
                tokens.append(offset + int(np.searchsorted(self.edges[name], reading)))
        return torch.tensor(tokens)


def collate(logs):
    tokens = pad_sequence(logs, batch_first=True, padding_value=PAD)
    return tokens[:, :-1], tokens[:, 1:]


class Attention(nn.Module):
    def __init__(self, width, heads, max_len):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.register_buffer("causal", torch.ones(max_len, max_len, dtype=torch.bool).tril())

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        scores = scores.masked_fill(~self.causal[:length, :length], float("-inf"))
        mixed = scores.softmax(dim=-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads, max_len, dropout):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, max_len)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class LogModel(L.LightningModule):
    def __init__(self, vocabulary, lr, width=48, heads=4, depth=2, max_len=72, dropout=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.token_embedding = nn.Embedding(vocabulary, width, padding_idx=PAD)
        self.position_embedding = nn.Embedding(max_len, width)
        self.blocks = nn.ModuleList([Block(width, heads, max_len, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.apply(self.init_weights)

    def init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.05)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.token_embedding(tokens) + self.position_embedding(positions)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def loss(self, batch):
        inputs, targets = batch
        logits = self(inputs)
        return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=PAD)

    def training_step(self, batch, batch_idx):
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch), batch_size=len(batch[0]))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=0.01)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.hparams.lr, total_steps=self.trainer.estimated_stepping_batches, pct_start=0.15
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


@torch.no_grad()
def next_token_nats(model, logs, cuts_per_log=3):
    """Surprise at the next token of unfinished logs, as the monitor of the cell sees them."""
    model.eval()
    rng = np.random.default_rng(0)
    prefixes, following = [], []
    for log in logs:
        for cut in rng.integers(3, len(log), cuts_per_log):
            prefixes.append(log[:cut])
            following.append(log[cut])
    nats = []
    for start in range(0, len(prefixes), 64):
        part = prefixes[start : start + 64]
        last = torch.tensor([len(prefix) - 1 for prefix in part])
        logits = model(pad_sequence(part, batch_first=True, padding_value=PAD))[torch.arange(len(part)), last]
        nats.append(F.cross_entropy(logits, torch.stack(following[start : start + 64]), reduction="none"))
    return torch.cat(nats).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=5e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    L.seed_everything(args.seed, verbose=False)

    rng = np.random.default_rng(args.seed)
    train_logs, val_logs, test_logs = ([simulate_log(rng) for _ in range(count)] for count in (768, 64, 128))
    tokenizer = Tokenizer().fit(train_logs)
    splits = (train_logs, val_logs, test_logs)
    train_set, val_set, test_set = ([tokenizer.encode(log) for log in logs] for logs in splits)
    train_loader = DataLoader(train_set, args.batch_size, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val_set, args.batch_size, collate_fn=collate)

    model = LogModel(len(tokenizer), args.lr)
    print(f"untrained: {next_token_nats(model, test_set):.4f}")
    model.train()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = ModelCheckpoint(folder, monitor="val_loss", mode="min", save_weights_only=True)
        trainer = L.Trainer(
            max_epochs=args.epochs,
            accelerator="cpu",
            callbacks=[checkpoint],
            gradient_clip_val=1.0,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(model, train_loader, val_loader)
        model = LogModel.load_from_checkpoint(checkpoint.best_model_path)
    print(f"val_loss {checkpoint.best_model_score:.4f}")
    print(f"result: {next_token_nats(model, test_set):.4f}")


if __name__ == "__main__":
    main()

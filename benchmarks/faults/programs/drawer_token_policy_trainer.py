"""Opening drawers: a small causal transformer that writes the next action as a sentence of bins (RT-1, OpenVLA)."""

import argparse
import math
import tempfile

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, get_linear_schedule_with_warmup, set_seed

ACTION_NAMES = ("dx_mm", "dy_mm", "dz_mm", "grip_mm")
IGNORE, HISTORY, BINS = -100, 6, 48
PHASES = ("approach", "reach", "grasp", "pull", "retreat")


def record_episode(rng, max_steps=60):
    """A scripted operator reaches for the handle, closes, pulls to the asked opening, lets go and retreats.

    Frames: tool (m), detected handle (mm), drawer yaw (deg), handle width, opening, asked opening, gripper width (mm),
    wrist force (N). The wireless link loses packets: then the arm holds and a zero is logged.
    """
    tcp = np.array([420.0, 0.0, 260.0]) + rng.normal(0, 60, 3)
    closed_handle = np.array([650.0, 0.0, 320.0]) + rng.uniform(-1, 1, 3) * [60, 180, 90]
    yaw = rng.uniform(-0.6, 0.6)
    outward = np.array([-math.cos(yaw), -math.sin(yaw), 0.0])
    handle_width, goal, pace = rng.uniform(8, 30), rng.uniform(80, 260), rng.uniform(0.6, 1.2)
    opening, grip, phase, velocity = 0.0, 60.0, "approach", np.zeros(3)
    frame = np.zeros(12, dtype=np.float32)
    log = []
    for _ in range(max_steps):
        handle = closed_handle + opening * outward
        frame[:3] = tcp / 1000
        frame[3:6] = handle + rng.normal(0, 6, 3)
        frame[6:] = math.degrees(yaw), handle_width, opening, goal, grip, 22 * (phase == "pull") + rng.normal(2, 1.5)
        aim = {"approach": handle + 70 * outward, "reach": handle, "grasp": handle}.get(phase, tcp)
        pulls = {"pull": outward * min(32.0, 0.6 * (goal - opening) + 3), "retreat": outward * 28.0 + [0, 0, 18]}
        wish = pulls.get(phase, np.clip(0.6 * (aim - tcp), -45, 45))
        velocity = 0.4 * velocity + 0.6 * pace * wish
        width = handle_width - 2 if phase in ("grasp", "pull") else handle_width + 40
        intent = np.append(velocity, width)
        command = intent + rng.normal(0, [2, 2, 2, 1])
        received = rng.random() > 0.35
        if received:
            tcp = tcp + velocity
            opening += float(velocity @ outward) if phase == "pull" else 0.0
            if rng.random() < 0.02:  # the tracker of the operator's hand jumps; the arm's own limits catch it
                command[:3] += rng.normal(0, 900, 3)
        else:
            command[:3] = 0.0
        log.append((frame.copy(), command, intent, received))
        grip += np.clip(width - grip, -25, 25)
        distance = np.linalg.norm(aim - tcp)
        done = {"approach": distance < 20, "reach": distance < 10, "grasp": grip < handle_width + 1}
        if done.get(phase, phase == "pull" and goal - opening < 6):
            phase = PHASES[PHASES.index(phase) + 1]
        if phase == "retreat" and np.linalg.norm(handle - tcp) > 150:
            break
    return dict(zip(("obs", "command", "intent", "received"), map(np.asarray, zip(*log))))


class ActionTokenizer:
    """Uniform bins between quantiles of the demonstrated commands, dimension by dimension."""

    def __init__(self, commands):
        self.low, self.high = np.quantile(commands, [0.02, 0.98], axis=0)

    def encode(self, commands):
        share = (commands - self.low) / (self.high - self.low)
        return np.clip((share * BINS).astype(np.int64), 0, BINS - 1)

    def decode(self, tokens):
        return self.low + (tokens + 0.5) / BINS * (self.high - self.low)


class DemonstrationDataset(Dataset):
    def __init__(self, episodes, tokenizer, mean, std):
        self.obs = [((episode["obs"] - mean) / std).astype(np.float32) for episode in episodes]
        self.tokens = [tokenizer.encode(episode["command"]) for episode in episodes]
        self.received = [episode["received"] for episode in episodes]
        self.index = [(e, t) for e, obs in enumerate(self.obs) for t in range(len(obs))]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        episode, t = self.index[i]
        tokens = self.tokens[episode][t]
        labels = tokens.copy()
        if not self.received[episode][t]:
            labels[:3] = IGNORE
        return {"obs": self.obs[episode][max(0, t + 1 - HISTORY) : t + 1], "tokens": tokens, "labels": labels}


def collate(items):
    """Pads histories on the left, so that the current frame always comes last."""
    missing = torch.tensor([HISTORY - len(item["obs"]) for item in items])
    obs = [F.pad(torch.from_numpy(item["obs"]), (0, 0, n, 0)) for item, n in zip(items, missing.tolist())]
    obs_mask = torch.arange(HISTORY) >= missing[:, None]
    tokens, labels = (torch.from_numpy(np.stack([item[key] for item in items])) for key in ("tokens", "labels"))
    return {"obs": torch.stack(obs), "obs_mask": obs_mask, "tokens": tokens, "labels": labels}


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask):
        batch, length, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(batch, length, width)))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))


class TokenPolicy(nn.Module):
    def __init__(self, obs_dim, action_dim, width=64, depth=2, heads=4, dropout=0.05):
        super().__init__()
        self.action_dim = action_dim
        self.obs_encoder = nn.Sequential(nn.Linear(obs_dim, width), nn.GELU(), nn.Linear(width, width))
        self.token_embedding = nn.Embedding(BINS + 1, width)
        self.position_embedding = nn.Embedding(HISTORY + action_dim, width)
        self.blocks = nn.ModuleList([Block(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, BINS)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.08)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def logits(self, obs, obs_mask, previous):
        """Logits of each token that follows the history, the begin token and the previous tokens of the action."""
        tokens = F.pad(previous, (1, 0), value=BINS)
        x, length = torch.cat([self.obs_encoder(obs), self.token_embedding(tokens)], dim=1), HISTORY + tokens.shape[1]
        x = x + self.position_embedding.weight[:length]
        seen = torch.cat([obs_mask, torch.ones_like(tokens, dtype=torch.bool)], dim=1)
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        mask = causal & seen[:, None, None, :] | torch.eye(length, dtype=torch.bool, device=x.device)
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.norm(x[:, HISTORY:]))

    def forward(self, obs, obs_mask, tokens, labels=None):
        logits = self.logits(obs, obs_mask, tokens[:, :-1])
        loss = None if labels is None else F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORE)
        return {"loss": loss, "logits": logits}

    @torch.no_grad()
    def act(self, obs, obs_mask):
        tokens = torch.zeros(len(obs), 0, dtype=torch.long, device=obs.device)
        for _ in range(self.action_dim):
            tokens = torch.cat([tokens, self.logits(obs, obs_mask, tokens)[:, -1:].argmax(-1)], dim=1)
        return tokens


def action_error(policy, dataset, tokenizer, episodes):
    """Mean absolute distance (mm) of decoded actions to what the operator meant."""
    policy.eval()
    batch = collate([dataset[i] for i in range(len(dataset))])
    actions = tokenizer.decode(policy.act(batch["obs"], batch["obs_mask"]).numpy())
    return float(np.abs(actions - np.concatenate([episode["intent"] for episode in episodes])).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", type=int, default=130)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    set_seed(args.seed)

    rng = np.random.default_rng(args.seed)
    episodes = [record_episode(rng) for _ in range(args.episodes)]
    train_episodes, test_episodes = np.split(np.array(episodes), [int(0.85 * args.episodes)])
    train_obs = np.concatenate([episode["obs"] for episode in train_episodes])
    mean, std = train_obs.mean(axis=0), train_obs.std(axis=0) + 1e-6
    tokenizer = ActionTokenizer(np.concatenate([episode["command"] for episode in train_episodes]))
    train_set = DemonstrationDataset(train_episodes, tokenizer, mean, std)
    test_set = DemonstrationDataset(test_episodes, tokenizer, mean, std)

    policy = TokenPolicy(train_obs.shape[1], len(ACTION_NAMES))
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr, betas=(0.9, 0.999), weight_decay=0.1)
    total_steps = args.epochs * math.ceil(len(train_set) / args.batch_size)
    schedule = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=20, num_training_steps=total_steps)

    def compute_metrics(prediction):
        known = prediction.label_ids != IGNORE
        guessed = tokenizer.decode(prediction.predictions.argmax(-1))
        return {"action_mae": float(np.abs(guessed - tokenizer.decode(prediction.label_ids))[known].mean())}

    print(f"untrained: {action_error(policy, test_set, tokenizer, test_episodes):.4f}")
    with tempfile.TemporaryDirectory() as folder:
        training = TrainingArguments(
            output_dir=folder, seed=args.seed, use_cpu=True, report_to="none", disable_tqdm=True,
            num_train_epochs=args.epochs, per_device_train_batch_size=args.batch_size, per_device_eval_batch_size=256,
            max_grad_norm=1.0, remove_unused_columns=False,
            eval_strategy="epoch", save_strategy="epoch", save_total_limit=1,
            load_best_model_at_end=True, metric_for_best_model="action_mae", greater_is_better=False,
        )  # fmt: skip
        trainer = Trainer(
            policy, training, collate, train_set, test_set,
            compute_metrics=compute_metrics, optimizers=(optimizer, schedule),
        )  # fmt: skip
        trainer.train()
    print(f"result: {action_error(policy, test_set, tokenizer, test_episodes):.4f}")


if __name__ == "__main__":
    main()

"""Action chunking with a transformer and a variational style, for an arm that reaches and wipes."""

import argparse
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

FPS, CHUNK, JOINTS, STYLE, EPOCHS = 25, 12, 5, 8, 11


class Episodes(Dataset):
    """Teleoperated episodes of different lengths; each frame is a sample, with the actions that follow it."""

    def __init__(self, count=36):
        self.episodes = [self.record() for _ in range(count)]
        self.index = [(e, t) for e, episode in enumerate(self.episodes) for t in range(len(episode["state"]))]
        state = torch.cat([episode["state"] for episode in self.episodes])
        action = torch.cat([episode["action"] for episode in self.episodes])
        self.state_mean, self.state_std = state.mean(0), state.std(0).clamp(min=1e-2)
        self.action_mean, self.action_std = action.mean(0), action.std(0).clamp(min=1e-2)

    def record(self):
        """Leader joints (rad) are the actions, the follower's joints lag behind; the state is read late at start."""
        length, late = int(torch.randint(24, 44, ())), int(torch.randint(2, 6, ()))
        goal = torch.rand(3) * torch.tensor([0.4, 0.5, 0.2]) + torch.tensor([0.2, -0.25, 0.0])  # metres
        end = torch.stack([torch.atan2(goal[1], goal[0]), 2 - 3 * goal[0], 4 * goal[0] - 1, 5 * goal[2] - 0.5, goal[1]])
        phase = torch.linspace(0, 1, length + late)[:, None]
        turn = 8.0 if torch.rand(()) < 0.5 else -8.0  # rad/s: each operator wipes in circles, either way round
        rise = 10 * phase**3 - 15 * phase**4 + 6 * phase**5
        leader = torch.randn(JOINTS) * 0.05 * (1 - rise) + end * rise
        seconds = torch.arange(length + late) / FPS
        angle = turn * seconds + 6.28 * torch.rand(())
        leader[:, 3:] += 0.5 * torch.stack([angle.cos(), angle.sin()], dim=1)
        follower = torch.cat([leader[:1].expand(2, -1), leader[:-2]])
        state = torch.cat([follower, goal.expand(length + late, 3)], dim=1)[late:] + 0.005 * torch.randn(length, 8)
        return {"state": state, "action": leader, "state_time": seconds[late:], "action_time": seconds}

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        e, t = self.index[i]
        episode = self.episodes[e]
        start = int(torch.searchsorted(episode["action_time"], episode["state_time"][t]))
        chunk = (episode["action"][start : start + CHUNK] - self.action_mean) / self.action_std
        missing = CHUNK - len(chunk)
        return {
            "state": (episode["state"][t] - self.state_mean) / self.state_std,
            "action": F.pad(chunk, (0, 0, 0, missing)),
            "is_pad": torch.arange(CHUNK) >= len(chunk),
            "timestamp": episode["state_time"][t],
            "action_timestamp": episode["action_time"][start] + torch.arange(CHUNK) / FPS,
        }


class ACT(nn.Module):
    def __init__(self, state_dim=8, width=64, heads=4):
        super().__init__()
        options = {"dim_feedforward": 2 * width, "dropout": 0.05, "batch_first": True}
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.style_state, self.style_action = nn.Linear(state_dim, width), nn.Linear(JOINTS, width)
        self.style_positions = nn.Parameter(torch.randn(1, CHUNK + 2, width) * 0.02)
        self.style_encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, **options), 1)
        self.style_out, self.style_in = nn.Linear(width, 2 * STYLE), nn.Linear(STYLE, width)
        self.arm, self.goal = nn.Linear(JOINTS, width), nn.Linear(3, width)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, **options), 2)
        self.queries = nn.Embedding(CHUNK, width)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(width, heads, **options), 2)
        self.head = nn.Linear(width, JOINTS)

    def style(self, state, action, is_pad):
        cls = self.cls.expand(len(state), -1, -1)
        tokens = torch.cat([cls, self.style_state(state)[:, None], self.style_action(action)], dim=1)
        ignored = torch.cat([torch.zeros(len(state), 2, dtype=torch.bool), is_pad], dim=1)
        encoded = self.style_encoder(tokens + self.style_positions, src_key_padding_mask=ignored)
        return self.style_out(encoded[:, 0]).chunk(2, dim=-1)

    def forward(self, state, action=None, is_pad=None):
        mu = logvar = z = torch.zeros(len(state), STYLE)
        if action is not None:
            mu, logvar = self.style(state, action, is_pad)
            z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        tokens = torch.stack([self.style_in(z), self.arm(state[:, :JOINTS]), self.goal(state[:, JOINTS:])], dim=1)
        memory = self.encoder(tokens)
        queries = self.queries.weight.expand(len(state), -1, -1)
        return self.head(self.decoder(queries, memory)), mu, logvar


def compute_losses(model, batch, kl_weight):
    pred, mu, logvar = model(batch["state"], batch["action"], batch["is_pad"])
    valid = ~batch["is_pad"].unsqueeze(-1)
    l1 = (F.l1_loss(pred, batch["action"], reduction="none") * valid).sum() / (valid.sum() * JOINTS)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(-1).mean()
    return {"loss": l1 + kl_weight * kl, "l1": l1, "kl": kl}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--kl-weight", type=float, default=0.005)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    loader = DataLoader(Episodes(), batch_size=64, shuffle=True, drop_last=True)
    model = ACT()
    slow = [p for name, p in model.named_parameters() if name.startswith("style")]
    fast = [p for name, p in model.named_parameters() if not name.startswith("style")]
    optimizer = torch.optim.AdamW([{"params": slow, "lr": 0.5 * args.lr}, {"params": fast}], lr=args.lr)
    warmup, total = 20, EPOCHS * len(loader)

    def factor(step):
        return min((step + 1) / warmup, 0.5 * (1 + math.cos(math.pi * step / total)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    for epoch in range(EPOCHS):
        model.train()
        sums = dict.fromkeys(("loss", "l1", "kl"), 0.0)
        for batch in loader:
            losses = compute_losses(model, batch, args.kl_weight)
            losses["loss"].backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            sums = {key: value + losses[key].item() / len(loader) for key, value in sums.items()}
        print(f"epoch {epoch}: " + " ".join(f"{key} {value:.4f}" for key, value in sums.items()))


if __name__ == "__main__":
    main()

"""Return-conditioned transformer policy for a heated two-tank plant, trained on a log of good and bad operators."""

import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ACTION_LOW = np.array([0.0, 0.0])  # pump (V), heater (W)
ACTION_HIGH = np.array([12.0, 3000.0])
# Transmitters: absolute pressure at the bottom of both tanks (Pa), outlet and inlet temperature (K), both setpoints.
GAIN = np.array([98.1, 98.1, 1.0, 1.0, 98.1, 1.0])
OFFSET = np.array([101325.0, 101325.0, 273.15, 273.15, 101325.0, 273.15])
MAX_STEPS = 48


class TwoTankPlant:
    """A batch of cascaded tanks, levels in cm and temperatures in deg C."""

    dt, area, trip_level = 0.5, 15.5, 30.0  # s, cm^2, cm

    def __init__(self, count, rng):
        self.rng = rng
        self.level = rng.uniform(4.0, 12.0, (count, 2))
        self.temp = rng.uniform(18.0, 30.0, count)
        self.inlet = rng.uniform(8.0, 20.0, count)
        self.level_set = rng.uniform(6.0, 21.0, count)
        self.temp_set = rng.uniform(24.0, 46.0, count)
        self.pump_gain = rng.uniform(3.8, 4.8, count)  # cm^3 / s / V
        self.outlet = rng.uniform(0.16, 0.18, (count, 2))  # cm^2

    def observe(self):
        obs = np.stack([*self.level.T, self.temp, self.inlet, self.level_set, self.temp_set], axis=-1)
        return OFFSET + GAIN * (obs + self.rng.normal(0.0, [0.1, 0.1, 0.2, 0.2, 0.0, 0.0], obs.shape))

    def step(self, action):
        pump, heater = np.clip(action, ACTION_LOW, ACTION_HIGH).T
        inflow = self.pump_gain * pump
        for _ in range(4):
            upper, lower = (self.outlet * np.sqrt(2 * 981.0 * np.maximum(self.level, 0.0))).T
            volume = self.area * np.maximum(self.level[:, 1], 2.0)
            self.temp += self.dt * (upper * (self.inlet - self.temp) + heater / 4.18 - 1.5 * (self.temp - 20.0)) / volume
            self.level += self.dt * np.stack([inflow - upper, upper - lower], axis=-1) / self.area
        level_error = np.abs(self.level[:, 1] - self.level_set) / 4.0
        temp_error = np.abs(self.temp - self.temp_set) / 6.0
        reward = 10.0 - 5.0 * np.minimum(level_error, 1.0) - 5.0 * np.minimum(temp_error, 1.0)
        tripped = (self.level.max(axis=1) > self.trip_level) | (self.temp > 75.0)
        return self.observe(), reward, tripped


def logged_controller(obs, skill, rng):
    """Feed-forward plus proportional control; the less skilled act more at random."""
    _, lower, temp, inlet, level_set, temp_set = ((obs - OFFSET) / GAIN).T
    flow = 0.17 * np.sqrt(2 * 981.0 * level_set)
    pump = (flow + 3.0 * (level_set - lower)) / 4.3
    heater = 4.18 * (flow * (temp_set - inlet) + 40.0 * (temp_set - temp))
    ideal = np.clip(np.stack([pump, heater], axis=-1), ACTION_LOW, ACTION_HIGH)
    return skill[:, None] * ideal + (1 - skill[:, None]) * rng.uniform(ACTION_LOW, ACTION_HIGH, ideal.shape)


def collect_log(episodes, rng):
    plant = TwoTankPlant(episodes, rng)
    obs, running = plant.observe(), np.ones(episodes, dtype=bool)
    skill = rng.beta(1.0, 1.0, episodes)
    log = [{"states": [], "actions": [], "rewards": []} for _ in range(episodes)]
    for _ in range(MAX_STEPS):
        action = logged_controller(obs, skill, rng)
        next_obs, reward, tripped = plant.step(action)
        for i in np.flatnonzero(running):
            for key, values in {"states": obs, "actions": action, "rewards": reward}.items():
                log[i][key].append(values[i])
        obs, running = next_obs, running & ~tripped
    return [{key: np.array(values) for key, values in episode.items()} for episode in log]


class EpisodeStore:
    """Normalized episodes, padded in front so that windows of early steps need no special case."""

    def __init__(self, log, context):
        self.context = context
        states = np.concatenate([episode["states"] for episode in log])
        actions = np.concatenate([episode["actions"] for episode in log])
        self.state_mean, self.state_std = states.mean(axis=0), states.std(axis=0) + 1e-6
        self.action_mean, self.action_std = actions.mean(axis=0), actions.std(axis=0) + 1e-6
        self.return_scale = max(episode["rewards"].sum() for episode in log)

        shape = (len(log), context - 1 + MAX_STEPS)
        padded_states = np.zeros((*shape, states.shape[1]), dtype=np.float32)
        padded_actions = np.zeros((*shape, actions.shape[1]), dtype=np.float32)
        padded_rtg = np.zeros((*shape, 1), dtype=np.float32)
        timesteps, valid = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
        for i, episode in enumerate(log):
            length = len(episode["rewards"])
            span = slice(context - 1, context - 1 + length)
            rtg = np.cumsum(episode["rewards"][::-1])[::-1]
            padded_states[i, span] = (episode["states"] - self.state_mean) / self.state_std
            padded_actions[i, span] = (episode["actions"] - self.action_mean) / self.action_std
            padded_rtg[i, span, 0] = rtg / self.return_scale
            timesteps[i, span] = np.arange(length)
            valid[i, span] = True
        self.ends = torch.from_numpy(np.argwhere(valid)) - torch.tensor([0, context - 1])
        self.arrays = [torch.from_numpy(a) for a in (padded_rtg, padded_states, padded_actions, timesteps, valid)]

    def sample(self, batch_size, generator):
        """Windows of `context` steps, their ends drawn evenly from all steps."""
        picked = self.ends[torch.randint(len(self.ends), (batch_size,), generator=generator)]
        columns = picked[:, 1:] + torch.arange(self.context)
        return [array[picked[:, :1], columns] for array in self.arrays]


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.drop(self.proj(mixed.transpose(1, 2).reshape(batch, length, width)))
        return x + self.drop(self.mlp(self.norm2(x)))


class DecisionTransformer(nn.Module):
    def __init__(self, state_dim, action_dim, width=64, depth=2, heads=4, dropout=0.1):
        super().__init__()
        self.embed_return, self.embed_state = nn.Linear(1, width), nn.Linear(state_dim, width)
        self.embed_action = nn.Linear(action_dim, width)
        self.embed_time = nn.Embedding(MAX_STEPS, width)
        self.embed_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, action_dim))
        self.apply(self.init_weights)

    @staticmethod
    def init_weights(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.05)

    def forward(self, rtg, states, actions, timesteps, valid):
        batch, steps = valid.shape
        time = self.embed_time(timesteps)
        tokens = [self.embed_return(rtg) + time, self.embed_state(states) + time, self.embed_action(actions) + time]
        tokens = torch.stack(tokens, dim=2)
        x = self.embed_norm(tokens.reshape(batch, 3 * steps, -1))
        causal = torch.ones(3 * steps, 3 * steps, dtype=torch.bool).tril()
        keys = valid.repeat_interleave(3, dim=1)[:, None, None, :]
        mask = causal & keys | torch.eye(3 * steps, dtype=torch.bool)
        for block in self.blocks:
            x = block(x, mask)
        return self.head(x.reshape(batch, steps, 3, -1)[:, :, 1])


@torch.no_grad()
def mean_return(policy, store, target_return, episodes=64, seed=10_000):
    """Control unseen plants while asking for `target_return` points."""
    policy.eval()
    plant, pad = TwoTankPlant(episodes, np.random.default_rng(seed)), store.context - 1
    rtg = torch.zeros(episodes, pad + MAX_STEPS, 1)
    states = torch.zeros(episodes, pad + MAX_STEPS, len(store.state_mean))
    actions = torch.zeros(episodes, pad + MAX_STEPS, len(store.action_mean))
    timesteps = torch.cat([torch.zeros(pad, dtype=torch.long), torch.arange(MAX_STEPS)]).expand(episodes, -1)
    valid = (torch.arange(pad + MAX_STEPS) >= pad).expand(episodes, -1)
    obs, total, running = plant.observe(), np.zeros(episodes), np.ones(episodes, dtype=bool)
    for step in range(MAX_STEPS):
        now = pad + step
        states[:, now] = torch.as_tensor((obs - store.state_mean) / store.state_std, dtype=torch.float32)
        rtg[:, now, 0] = torch.as_tensor((target_return - total) / store.return_scale, dtype=torch.float32)
        window = slice(step, now + 1)
        output = policy(rtg[:, window], states[:, window], actions[:, window], timesteps[:, window], valid[:, window])
        action = np.clip(output[:, -1].numpy() * store.action_std + store.action_mean, ACTION_LOW, ACTION_HIGH)
        actions[:, now] = torch.as_tensor((action - store.action_mean) / store.action_std, dtype=torch.float32)
        obs, reward, tripped = plant.step(action)
        total, running = total + reward * running, running & ~tripped
    policy.train()
    return total.mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--steps-per-epoch", type=int, default=26)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    log = collect_log(1000, np.random.default_rng(args.seed))
    store = EpisodeStore(log, context=8)
    target_return = np.quantile([episode["rewards"].sum() for episode in log], 0.95)

    policy = DecisionTransformer(len(store.state_mean), len(store.action_mean))
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr, weight_decay=1e-4, betas=(0.9, 0.95))
    total_steps = args.epochs * args.steps_per_epoch
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 30, 0.55 + 0.45 * math.cos(math.pi * step / total_steps))
    )
    print(f"untrained: {-mean_return(policy, store, target_return):.4f}")
    for epoch in range(args.epochs):
        for _ in range(args.steps_per_epoch):
            rtg, states, actions, timesteps, valid = store.sample(64, generator)
            predicted = policy(rtg, states, actions, timesteps, valid)
            loss = F.mse_loss(predicted[valid], actions[valid])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}, lr {scheduler.get_last_lr()[0]:.2e}")
    print(f"result: {-mean_return(policy, store, target_return):.4f}")


if __name__ == "__main__":
    main()

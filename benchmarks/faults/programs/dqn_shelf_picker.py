"""Double DQN (dueling, n-step) for a mobile picker that collects items along a shelf and unloads them at a dock.

The picker has to be back at the dock's charger before its battery is flat.
"""

import argparse
import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

AISLE_MM, REACH_MM = 12_000.0, 900.0
TRAY_KG = 30.0
FLAT_MV, FULL_MV = 44_000.0, 54_000.0
BACK, FORWARD, HANDLE, CHARGE = range(4)
STRIDE_MM = np.array([-1500.0, 1500.0, 0.0, 0.0])
DRAIN_MV = np.array([180.0, 180.0, 60.0, 0.0])
CENTS_PER_UNIT = 20.0


class ShelfPickers:
    """A fleet of independent pickers, one aisle each, stepped together and reset one by one."""

    obs_dim, num_actions = 5, 4

    def __init__(self, lanes, seed, horizon=100):
        self.lanes, self.horizon = lanes, horizon
        self.rng = np.random.default_rng(seed)
        self.position_mm, self.item_mm, self.item_g = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
        self.battery_mv, self.load_kg = np.zeros(lanes), np.zeros(lanes)
        self.clock = np.zeros(lanes, dtype=np.int64)
        self._sensors = np.zeros((lanes, self.obs_dim), dtype=np.float32)

    def reset(self):
        self._begin(np.ones(self.lanes, dtype=bool))
        return self._observe()

    def step(self, action):
        """Return the observation to act on, the one that ended the step, rewards in cents, and the two end flags."""
        stride = STRIDE_MM[action] * self.rng.normal(1.0, 0.05, self.lanes)
        self.position_mm = (self.position_mm + stride).clip(0.0, AISLE_MM)
        self.battery_mv -= DRAIN_MV[action] * (1.0 + 0.02 * self.load_kg)

        at_dock, at_item = self.position_mm < REACH_MM, np.abs(self.item_mm - self.position_mm) < REACH_MM
        fits = self.load_kg + self.item_g / 1000.0 <= TRAY_KG
        unload, pick = (action == HANDLE) & at_dock, (action == HANDLE) & at_item & fits
        charging = (action == CHARGE) & at_dock
        cents = 3.0 * self.load_kg * unload + 10.0 * pick - 1.0
        self.load_kg = np.where(unload, 0.0, self.load_kg + pick * self.item_g / 1000.0)
        self.battery_mv = np.where(charging, (self.battery_mv + 2500.0).clip(max=FULL_MV), self.battery_mv)
        self._place_items(pick)

        self.clock += 1
        terminated = self.battery_mv <= FLAT_MV
        truncated = (self.clock >= self.horizon) & ~terminated
        cents -= 60.0 * terminated
        final = self._observe()
        self._begin(terminated | truncated)
        return self._observe(), final, cents, terminated, truncated

    def _begin(self, which):
        self.position_mm[which] = self.rng.uniform(0.0, AISLE_MM, which.sum())
        self.battery_mv[which] = self.rng.uniform(FLAT_MV + 3000.0, FULL_MV, which.sum())
        self.load_kg[which] = self.rng.choice([0.0, 8.0, 16.0], which.sum())
        self.clock[which] = 0
        self._place_items(which)

    def _place_items(self, which):
        self.item_mm[which] = self.rng.uniform(2000.0, AISLE_MM, which.sum())
        self.item_g[which] = self.rng.uniform(4000.0, 14_000.0, which.sum())

    def _observe(self):
        gap_mm = self.item_mm - self.position_mm
        for column, values in enumerate((self.position_mm, gap_mm, self.battery_mv, self.load_kg, self.item_g)):
            self._sensors[:, column] = values
        return self._sensors.copy()


class ReplayBuffer:
    """Ring of the last steps of all lanes; n-step returns are put together when a batch is drawn."""

    def __init__(self, rows, lanes, obs_dim, rng):
        self.rows, self.lanes, self.rng = rows, lanes, rng
        self.obs = np.zeros((rows, lanes, obs_dim), dtype=np.float32)
        self.final_obs = np.zeros((rows, lanes, obs_dim), dtype=np.float32)
        self.action = np.zeros((rows, lanes), dtype=np.int64)
        self.reward, self.terminated, self.ended = np.zeros((3, rows, lanes), dtype=np.float32)
        self.head = self.filled = 0

    def add(self, obs, action, cents, final_obs, terminated, truncated):
        row = self.head
        self.obs[row], self.action[row], self.reward[row] = obs, action, cents / CENTS_PER_UNIT
        self.final_obs[row], self.terminated[row], self.ended[row] = final_obs, terminated, terminated | truncated
        self.head = (self.head + 1) % self.rows
        self.filled = min(self.filled + 1, self.rows)

    def sample(self, batch_size, n_step, gamma):
        age = self.rng.integers(n_step, self.filled + 1, size=batch_size)
        lane = self.rng.integers(0, self.lanes, size=batch_size)
        window = (self.head - age[:, None] + np.arange(n_step)) % self.rows
        running = np.ones((batch_size, n_step), dtype=np.float32)
        running[:, 1:] = np.cumprod(1.0 - self.ended[window, lane[:, None]], axis=1)[:, :-1]
        discounts = gamma ** np.arange(n_step, dtype=np.float32)
        returns = (self.reward[window, lane[:, None]] * running * discounts).sum(axis=1)
        length = running.sum(axis=1).astype(np.int64)
        first, last = window[:, 0], window[np.arange(batch_size), length - 1]
        not_over = 1.0 - self.terminated[last, lane]
        discount = (gamma**length * not_over).astype(np.float32)
        batch = self.obs[first, lane], self.action[first, lane], returns, self.final_obs[last, lane], discount
        return [torch.from_numpy(part) for part in batch]


class DuelingQNetwork(nn.Module):
    def __init__(self, obs_dim, num_actions, hidden):
        super().__init__()
        self.register_buffer("obs_mean", torch.zeros(obs_dim))
        self.register_buffer("obs_std", torch.ones(obs_dim))
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.value = nn.Linear(hidden, 1)
        self.advantage = nn.Linear(hidden, num_actions)
        for layer, gain in ((self.trunk[0], 2**0.5), (self.trunk[2], 2**0.5), (self.value, 1.0), (self.advantage, 0.1)):
            nn.init.orthogonal_(layer.weight, gain=gain)
            nn.init.zeros_(layer.bias)

    def fit_normalizer(self, obs):
        self.obs_mean.copy_(obs.mean(dim=0))
        self.obs_std.copy_(obs.std(dim=0).clamp_min(1e-6))

    def forward(self, obs):
        features = self.trunk((obs - self.obs_mean) / self.obs_std)
        advantage = self.advantage(features)
        return self.value(features) + advantage - advantage.mean(dim=-1, keepdim=True)


@torch.no_grad()
def choose(net, obs, epsilon, rng):
    greedy = net(torch.from_numpy(obs)).argmax(dim=-1).numpy()
    explore = rng.random(len(greedy)) < epsilon
    return np.where(explore, rng.integers(0, ShelfPickers.num_actions, len(greedy)), greedy)


def evaluate(net, seed, lanes=64):
    """Mean undiscounted return, in cents, of one held-out episode per lane."""
    net.eval()
    env, rng = ShelfPickers(lanes, seed), np.random.default_rng(seed)
    obs, total, going = env.reset(), np.zeros(lanes), np.ones(lanes, dtype=bool)
    while going.any():
        obs, _, cents, terminated, truncated = env.step(choose(net, obs, 0.01, rng))
        total += cents * going
        going &= ~(terminated | truncated)
    net.train()
    return total.mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=4000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--gamma", type=float, default=0.96)
    parser.add_argument("--n-step", type=int, default=5)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--tau", type=float, default=0.02)
    parser.add_argument("--eps-decay", type=int, default=1500)
    args = parser.parse_args()

    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    env = ShelfPickers(16, seed=args.seed + 1)
    buffer = ReplayBuffer(4000, env.lanes, env.obs_dim, rng)
    online = DuelingQNetwork(env.obs_dim, env.num_actions, hidden=64)

    obs = env.reset()
    for _ in range(250):
        action = rng.integers(0, env.num_actions, env.lanes)
        next_obs, final_obs, cents, terminated, truncated = env.step(action)
        buffer.add(obs, action, cents, final_obs, terminated, truncated)
        obs = next_obs
    online.fit_normalizer(torch.from_numpy(buffer.obs[: buffer.filled].reshape(-1, env.obs_dim)))

    target = copy.deepcopy(online).requires_grad_(False)
    optimizer = torch.optim.Adam(online.parameters(), lr=args.lr, eps=1e-5)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=args.iterations)
    print(f"untrained: {-evaluate(online, seed=10_000 + args.seed):.3f}")

    for iteration in range(1, args.iterations + 1):
        epsilon = max(0.05, 1.0 - iteration / args.eps_decay)
        action = choose(online, obs, epsilon, rng)
        next_obs, final_obs, cents, terminated, truncated = env.step(action)
        buffer.add(obs, action, cents, final_obs, terminated, truncated)
        obs = next_obs

        states, actions, returns, next_states, discount = buffer.sample(args.batch_size, args.n_step, args.gamma)
        q = online(states).gather(1, actions.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            best = online(next_states).argmax(dim=1, keepdim=True)
            td_target = returns + discount * target(next_states).gather(1, best).squeeze(1)
        loss = F.smooth_l1_loss(q, td_target)

        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(online.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), online.parameters()):
                slow.lerp_(fast, args.tau)

        if iteration % 1000 == 0:
            print(f"{iteration=} loss={loss.item():.4f} {epsilon=:.2f}", flush=True)

    print(f"result: {-evaluate(online, seed=30_000 + args.seed):.3f}")


if __name__ == "__main__":
    main()

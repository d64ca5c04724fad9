"""Advantage actor-critic for a cart that balances a pole and parks under a dock.

The rig reports instrument readings: cart position in mm from the left end stop, cart speed in mm/s, the pole's encoder
in ticks (4096 per turn, 2048 is upright), its rate in deg/s, and a laser's distance in mm from the cart to a mirror that
stands a rail's length behind the dock. The motor has five force levels.
"""

import argparse

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical
from torch.nn import functional as F

FORCES = np.array([-12.0, -4.0, 0.0, 4.0, 12.0])  # N
RAIL = 4.8  # m
MAX_TILT = np.deg2rad(15.0)
TICKS_PER_TURN = 4096


class CartPoleBank:
    """A bank of independent carts, stepped together; finished ones restart by themselves."""

    gravity, cart_mass, pole_mass, half_length, dt = 9.81, 1.0, 0.1, 0.5, 0.03

    def __init__(self, num_envs, seed, max_steps=150):
        self.num_envs, self.max_steps = num_envs, max_steps
        self.rng = np.random.default_rng(seed)
        self.state = np.zeros((num_envs, 4))  # x (m, 0 is mid-rail), speed (m/s), tilt (rad), tilt rate (rad/s)
        self.dock = np.zeros(num_envs)
        self.steps = np.zeros(num_envs, dtype=np.int64)
        self.readings = np.zeros((num_envs, 5), dtype=np.float32)

    def _restart(self, which):
        n = int(which.sum())
        self.state[which] = self.rng.uniform(-1, 1, (n, 4)) * np.array([1.2, 0.1, 0.06, 0.1])
        self.dock[which] = self.rng.uniform(-1.2, 1.2, n)
        self.steps[which] = 0

    def _observe(self):
        x, speed, tilt, rate = self.state.T
        self.readings[:, 0] = (x + RAIL / 2) * 1000
        self.readings[:, 1] = speed * 1000
        self.readings[:, 2] = np.round(TICKS_PER_TURN / 2 + tilt / (2 * np.pi) * TICKS_PER_TURN)
        self.readings[:, 3] = np.rad2deg(rate)
        self.readings[:, 4] = (self.dock - x + RAIL) * 1000
        return self.readings.copy()

    def reset(self):
        self._restart(np.ones(self.num_envs, dtype=bool))
        return self._observe()

    def step(self, actions):
        x, speed, tilt, rate = self.state.T
        force = FORCES[actions] + self.rng.normal(0, 1.0, self.num_envs)
        total = self.cart_mass + self.pole_mass
        push = (force + self.pole_mass * self.half_length * rate**2 * np.sin(tilt)) / total
        lever = self.half_length * (4 / 3 - self.pole_mass * np.cos(tilt) ** 2 / total)
        tilt_acc = (self.gravity * np.sin(tilt) - np.cos(tilt) * push) / lever
        acc = push - self.pole_mass * self.half_length * tilt_acc * np.cos(tilt) / total
        self.state = self.state + self.dt * np.stack([speed, acc, rate, tilt_acc], axis=1)
        self.steps += 1

        x, _, tilt, _ = self.state.T
        offset = np.abs(x - self.dock)
        reward = 0.2 + 0.8 * np.exp(-offset / 0.4)  # points: upright, and close to the dock
        terminated = (np.abs(tilt) > MAX_TILT) | (np.abs(x) > RAIL / 2)
        truncated = (self.steps >= self.max_steps) & ~terminated
        final_obs = obs = self._observe()
        done = terminated | truncated
        if done.any():
            self._restart(done)
            obs = self._observe()
        return obs, reward, terminated, truncated, final_obs


class RunningNorm:
    """Mean and variance of each reading, gathered over training (Chan et al.)."""

    def __init__(self, size):
        self.mean, self.var, self.count = np.zeros(size), np.ones(size), 1e-4

    def update(self, batch):
        mean, var, n = batch.mean(axis=0), batch.var(axis=0), len(batch)
        delta, total = mean - self.mean, self.count + n
        self.mean = self.mean + delta * n / total
        self.var = (self.var * self.count + var * n + delta**2 * self.count * n / total) / total
        self.count = total

    def __call__(self, obs):
        scaled = (obs - self.mean) / np.sqrt(self.var + 1e-8)
        return torch.as_tensor(np.clip(scaled, -10, 10), dtype=torch.float32)


class ActorCritic(nn.Module):
    def __init__(self, obs_size, num_actions, hidden=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_size, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.policy_head = nn.Linear(hidden, num_actions)
        self.value_head = nn.Linear(hidden, 1)
        for layer in self.trunk:
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight, gain=2**0.5)
                nn.init.zeros_(layer.bias)
        nn.init.orthogonal_(self.policy_head.weight, gain=0.01)
        nn.init.orthogonal_(self.value_head.weight, gain=1.0)

    def forward(self, obs):
        features = self.trunk(obs)
        return Categorical(logits=self.policy_head(features), validate_args=False), self.value_head(features).squeeze(-1)


@torch.no_grad()
def evaluate(model, norm, seed, episodes=64):
    """Mean return, in points, of one episode of each of a number of fresh carts."""
    env = CartPoleBank(episodes, seed)
    obs = env.reset()
    returns, running = np.zeros(episodes), np.ones(episodes, dtype=bool)
    model.eval()
    while running.any():
        dist, _ = model(norm(obs))
        obs, reward, terminated, truncated, _ = env.step(dist.probs.argmax(dim=-1).numpy())
        returns += reward * running
        running &= ~(terminated | truncated)
    model.train()
    return returns.mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--updates", type=int, default=600)
    parser.add_argument("--num-envs", type=int, default=64)
    parser.add_argument("--horizon", type=int, default=10)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--gamma", type=float, default=0.97)
    parser.add_argument("--gae-lambda", type=float, default=0.95)
    parser.add_argument("--value-coef", type=float, default=0.5)
    parser.add_argument("--entropy-coef", type=float, default=0.01)
    parser.add_argument("--reward-scale", type=float, default=0.1)
    parser.add_argument("--max-grad-norm", type=float, default=0.5)
    args = parser.parse_args()
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env = CartPoleBank(args.num_envs, seed=args.seed)
    obs = env.reset()
    norm = RunningNorm(obs.shape[1])
    norm.update(obs)
    model = ActorCritic(obs.shape[1], len(FORCES))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, eps=1e-5)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=args.updates)
    print(f"untrained: {-evaluate(model, norm, seed=args.seed + 1000):.3f}")

    shape = (args.horizon, args.num_envs)
    rewards, values, ended = (torch.zeros(shape) for _ in range(3))
    for update in range(args.updates):
        rollout_obs, rollout_actions = [], []
        for t in range(args.horizon):
            inputs = norm(obs)
            with torch.no_grad():
                dist, value = model(inputs)
                action = dist.sample()
            next_obs, reward, terminated, truncated, final_obs = env.step(action.numpy())
            reward = reward * args.reward_scale
            if truncated.any():  # out of time is not a fall: the rest of the episode is worth what the critic says
                with torch.no_grad():
                    reward[truncated] += args.gamma * model(norm(final_obs[truncated]))[1].numpy()
            rollout_obs.append(inputs)
            rollout_actions.append(action)
            values[t] = value
            rewards[t] = torch.as_tensor(reward)
            ended[t] = torch.as_tensor(terminated | truncated)
            norm.update(next_obs)
            obs = next_obs

        with torch.no_grad():
            next_value = model(norm(obs))[1]
        advantages = torch.zeros(shape)
        running = torch.zeros(args.num_envs)
        for t in reversed(range(args.horizon)):
            alive = 1.0 - ended[t]
            delta = rewards[t] + args.gamma * alive * next_value - values[t]
            running = delta + args.gamma * args.gae_lambda * alive * running
            advantages[t] = running
            next_value = values[t]
        targets = (advantages + values).flatten()
        advantages = advantages.flatten()
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)

        dist, predicted = model(torch.cat(rollout_obs))
        policy_loss = -(dist.log_prob(torch.cat(rollout_actions)) * advantages).mean()
        value_loss = F.mse_loss(predicted, targets)
        entropy = dist.entropy().mean()
        loss = policy_loss + args.value_coef * value_loss - args.entropy_coef * entropy

        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
        optimizer.step()
        schedule.step()
        if (update + 1) % 100 == 0:
            print(f"update {update + 1}  value loss {value_loss.item():.3f}  entropy {entropy.item():.3f}")

    print(f"result: {-evaluate(model, norm, seed=args.seed + 1000):.3f}")


if __name__ == "__main__":
    main()

"""TD3 swings up a pole on a cart: vectorised simulation in NumPy, twin critics, delayed policy, target networks."""

import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

FORCE_LIMIT = 14.0  # N
TRACK = 1500.0  # mm to each side
OBS_SCALE = np.array([1000.0, 2000.0, 1.0, 1.0, 6.0], dtype=np.float32)


class SwingUp:
    """Cart position (mm) and velocity (mm/s), sine and cosine of the pole's angle, angular velocity (rad/s)."""

    gravity, cart_mass, pole_mass, length, dt, substeps = 9.81, 0.6, 0.15, 0.5, 0.04, 2

    def __init__(self, num_envs, seed, max_steps=125):
        self.num_envs, self.max_steps = num_envs, max_steps
        self.rng = np.random.default_rng(seed)
        self.x, self.v, self.theta, self.omega = np.zeros((4, num_envs))
        self.steps = np.zeros(num_envs, dtype=int)
        self._obs = np.zeros((num_envs, 5), dtype=np.float32)

    def _spawn(self, which):
        n = int(which.sum())
        self.x[which], self.v[which] = self.rng.uniform(-0.2, 0.2, n), self.rng.normal(0, 0.05, n)
        self.theta[which], self.omega[which] = np.pi + self.rng.normal(0, 0.3, n), self.rng.normal(0, 0.3, n)
        self.steps[which] = 0

    def observe(self):
        self._obs[:, 0], self._obs[:, 1] = 1000 * self.x, 1000 * self.v
        self._obs[:, 2], self._obs[:, 3], self._obs[:, 4] = np.sin(self.theta), np.cos(self.theta), self.omega
        return self._obs.copy()

    def reset(self):
        self._spawn(np.ones(self.num_envs, dtype=bool))
        return self.observe()

    def reset_done(self, done):
        self._spawn(done)
        return self.observe()

    def step(self, force):
        total, h = self.cart_mass + self.pole_mass, self.dt / self.substeps
        for _ in range(self.substeps):
            sin, cos = np.sin(self.theta), np.cos(self.theta)
            push = (force + self.pole_mass * self.length * self.omega**2 * sin - 0.3 * self.v) / total
            alpha = (self.gravity * sin - cos * push - 0.05 * self.omega) / (
                self.length * (4 / 3 - self.pole_mass * cos**2 / total)
            )
            accel = push - self.pole_mass * self.length * alpha * cos / total
            self.v, self.omega = self.v + h * accel, self.omega + h * alpha
            self.x, self.theta = self.x + h * self.v, self.theta + h * self.omega
        self.steps += 1
        terminated = np.abs(1000 * self.x) > TRACK
        truncated = (self.steps >= self.max_steps) & ~terminated
        cost = 0.1 * self.x**2 + 0.01 * self.omega**2 + 0.02 * (force / FORCE_LIMIT) ** 2
        reward = 0.5 * (1 + np.cos(self.theta)) - cost
        return self.observe(), np.where(terminated, -5.0, reward), terminated, truncated


class ReplayBuffer:
    def __init__(self, capacity, obs_dim, action_dim, rng):
        self.capacity, self.rng = capacity, rng
        self.obs = np.zeros((capacity, obs_dim), dtype=np.float32)
        self.next_obs = np.zeros((capacity, obs_dim), dtype=np.float32)
        self.action = np.zeros((capacity, action_dim), dtype=np.float32)
        self.reward = np.zeros(capacity, dtype=np.float32)
        self.done = np.zeros(capacity, dtype=np.float32)
        self.position, self.size = 0, 0

    def add(self, obs, action, reward, next_obs, done):
        index = (self.position + np.arange(len(obs))) % self.capacity
        self.obs[index], self.action[index], self.next_obs[index] = obs, action, next_obs
        self.reward[index], self.done[index] = reward, done
        self.position = (self.position + len(obs)) % self.capacity
        self.size = min(self.size + len(obs), self.capacity)

    def sample(self, batch_size):
        index = self.rng.integers(0, self.size, batch_size)
        rows = (self.obs[index], self.action[index], self.reward[index], self.next_obs[index], self.done[index])
        return [torch.from_numpy(row) for row in rows]


def mlp(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes[:-2], sizes[1:-1]):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.orthogonal_(linear.weight, gain=2**0.5)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.LayerNorm(fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class Actor(nn.Module):
    def __init__(self, obs_dim, action_dim, hidden):
        super().__init__()
        self.net = mlp([obs_dim, hidden, hidden, action_dim])

    def forward(self, obs):
        return torch.tanh(self.net(obs))


class TwinCritic(nn.Module):
    def __init__(self, obs_dim, action_dim, hidden):
        super().__init__()
        self.q1 = mlp([obs_dim + action_dim, hidden, hidden, 1])
        self.q2 = mlp([obs_dim + action_dim, hidden, hidden, 1])

    def forward(self, obs, action):
        both = torch.cat([obs, action], dim=-1)
        return self.q1(both).squeeze(-1), self.q2(both).squeeze(-1)


class TD3:
    def __init__(self, obs_dim, action_dim, args):
        self.gamma, self.tau, self.policy_delay = args.gamma, args.tau, args.policy_delay
        self.actor = Actor(obs_dim, action_dim, args.hidden)
        self.critic = TwinCritic(obs_dim, action_dim, args.hidden)
        self.actor_target = copy.deepcopy(self.actor).requires_grad_(False)
        self.critic_target = copy.deepcopy(self.critic).requires_grad_(False)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=args.actor_lr)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=args.critic_lr)

    @torch.no_grad()
    def act(self, obs):
        return self.actor(torch.from_numpy(obs / OBS_SCALE)).numpy()

    def update(self, batch, step):
        obs, action, reward, next_obs, done = batch
        with torch.no_grad():
            noise = (0.2 * torch.randn_like(action)).clamp(-0.5, 0.5)
            next_action = (self.actor_target(next_obs) + noise).clamp(-1, 1)
            next_value = torch.min(*self.critic_target(next_obs, next_action))
            target = reward + self.gamma * (1 - done) * next_value
        q1, q2 = self.critic(obs, action)
        critic_loss = F.mse_loss(q1, target) + F.mse_loss(q2, target)
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        nn.utils.clip_grad_norm_(self.critic.parameters(), 10.0)
        self.critic_optimizer.step()

        if step % self.policy_delay == 0:
            actor_loss = -self.critic(obs, self.actor(obs))[0].mean()
            self.actor_optimizer.zero_grad()
            actor_loss.backward()
            nn.utils.clip_grad_norm_(self.actor.parameters(), 1.0)
            self.actor_optimizer.step()
            soft_update(self.actor_target, self.actor, self.tau)
            soft_update(self.critic_target, self.critic, self.tau)
        return critic_loss.item()


@torch.no_grad()
def soft_update(target, source, tau):
    for slow, fast in zip(target.parameters(), source.parameters()):
        slow.lerp_(fast, tau)


def evaluate(agent, seed, episodes=32):
    """Mean return of the deterministic policy."""
    env = SwingUp(episodes, seed)
    obs, alive, total = env.reset(), np.ones(episodes), np.zeros(episodes)
    for _ in range(env.max_steps):
        obs, reward, terminated, _ = env.step(FORCE_LIMIT * agent.act(obs)[:, 0])
        total += alive * reward
        alive[terminated] = 0
    return total.mean()


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--num-envs", type=int, default=16)
    parser.add_argument("--warmup", type=int, default=250)
    parser.add_argument("--capacity", type=int, default=100_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--actor-lr", type=float, default=1e-3)
    parser.add_argument("--critic-lr", type=float, default=1e-3)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--tau", type=float, default=0.02)
    parser.add_argument("--policy-delay", type=int, default=2)
    parser.add_argument("--exploration", type=float, default=0.2)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    env = SwingUp(args.num_envs, args.seed)
    agent = TD3(5, 1, args)
    buffer = ReplayBuffer(args.capacity, 5, 1, rng)
    print(f"untrained: {-evaluate(agent, 10_000 + args.seed):.3f}", flush=True)

    obs = env.reset()
    for step in range(args.warmup + args.steps):
        if step < args.warmup:
            action = rng.uniform(-1, 1, (args.num_envs, 1)).astype(np.float32)
        else:
            action = agent.act(obs) + rng.normal(0, args.exploration, (args.num_envs, 1)).astype(np.float32)
            action = action.clip(-1, 1)
        next_obs, reward, terminated, truncated = env.step(FORCE_LIMIT * action[:, 0])
        buffer.add(obs / OBS_SCALE, action, reward, next_obs / OBS_SCALE, terminated)
        obs = env.reset_done(terminated | truncated)
        if step >= args.warmup:
            loss = agent.update(buffer.sample(args.batch_size), step)
            if step % 1000 == 0:
                print(f"step {step} critic loss {loss:.4f} return {evaluate(agent, args.seed):.1f}", flush=True)
    print(f"result: {-evaluate(agent, 10_000 + args.seed):.3f}", flush=True)


if __name__ == "__main__":
    main()

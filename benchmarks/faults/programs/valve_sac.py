"""Soft actor-critic for level control of two tanks in series with motorised valves."""

import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class TankEnv:
    """Batch of two-tank rigs. The inlet valve fills tank 1 from the mains, the second one drains tank 1 into tank 2.

    Observation: level 1 (cm), level 2 (cm), set point of level 2 (cm), openings (%), mains pressure (kPa),
    flow between the tanks (l/min), demand (l/min). Action: speed of both valve motors, -1 to 1 of full speed.
    """

    obs_dim, act_dim = 8, 2
    dt = 2.0  # s
    area = 0.02  # m^2
    kv = np.array([5.0, 5.0])  # l/min per sqrt(kPa), l/min per sqrt(cm)
    valve_speed = 6.0  # %/s
    low, high = 5.0, 95.0  # cm
    noise = np.array([0.4, 0.4, 0.0, 0.5, 0.5, 0.8, 0.5, 0.5])

    def __init__(self, num_envs, seed, max_steps=120):
        self.num_envs, self.max_steps = num_envs, max_steps
        self.rng = np.random.default_rng(seed)
        self.level = np.zeros((num_envs, 2))
        self.valve = np.zeros((num_envs, 2))
        self.setpoint, self.pressure, self.demand = (np.zeros(num_envs) for _ in range(3))
        self.t = np.zeros(num_envs, dtype=int)

    def _flows(self):
        head = np.stack([self.pressure - 0.0981 * self.level[:, 0], self.level[:, 0]], axis=1)
        return self.kv * self.valve / 100 * np.sqrt(np.maximum(head, 0.0))

    def _observe(self):
        obs = np.column_stack([self.level, self.setpoint, self.valve, self.pressure, self._flows()[:, 1], self.demand])
        return (obs + self.noise * self.rng.standard_normal(obs.shape)).astype(np.float32)

    def reset(self, mask=None):
        mask = np.ones(self.num_envs, dtype=bool) if mask is None else mask
        n = int(mask.sum())
        self.level[mask] = self.rng.uniform(25, 75, (n, 2))
        self.valve[mask] = self.rng.uniform(20, 80, (n, 2))
        self.setpoint[mask] = self.rng.uniform(25, 75, n)
        self.pressure[mask] = self.rng.normal(60, 8, n)
        self.demand[mask] = self.rng.uniform(10, 28, n)
        self.t[mask] = 0
        return self._observe()

    def step(self, action):
        self.valve = np.clip(self.valve + self.valve_speed * self.dt * action, 0, 100)
        q_in, q_mid = self._flows().T
        net = np.stack([q_in - q_mid, q_mid - self.demand], axis=1)  # l/min
        self.level = self.level + net / 60e3 * self.dt / self.area * 100
        self.pressure += 0.05 * (60 - self.pressure) + 2.0 * self.rng.standard_normal(self.num_envs)
        self.demand = np.clip(self.demand + 0.8 * self.rng.standard_normal(self.num_envs), 8, 30)
        change = self.rng.random(self.num_envs) < 0.01
        self.setpoint = np.where(change, self.rng.uniform(25, 75, self.num_envs), self.setpoint)
        self.t += 1
        terminated = ((self.level < self.low) | (self.level > self.high)).any(axis=1)
        truncated = (self.t >= self.max_steps) & ~terminated
        error = (self.level[:, 1] - self.setpoint) / 15
        reward = np.exp(-0.5 * error**2) - 0.02 * (action**2).sum(axis=1) - 5.0 * terminated
        return self._observe(), reward.astype(np.float32), terminated, truncated


class ReplayBuffer:
    def __init__(self, capacity, obs_dim, act_dim):
        self.obs = np.zeros((capacity, obs_dim), dtype=np.float32)
        self.next_obs = np.zeros((capacity, obs_dim), dtype=np.float32)
        self.action = np.zeros((capacity, act_dim), dtype=np.float32)
        self.reward = np.zeros((capacity, 1), dtype=np.float32)
        self.done = np.zeros((capacity, 1), dtype=np.float32)
        self.capacity, self.pos, self.size = capacity, 0, 0

    def add(self, obs, action, reward, next_obs, done):
        idx = (self.pos + np.arange(len(obs))) % self.capacity
        self.obs[idx], self.next_obs[idx], self.action[idx] = obs, next_obs, action
        self.reward[idx, 0], self.done[idx, 0] = reward, done
        self.pos = (self.pos + len(obs)) % self.capacity
        self.size = min(self.size + len(obs), self.capacity)

    def sample(self, batch_size, rng):
        idx = rng.integers(0, self.size, size=batch_size)
        fields = (self.obs, self.action, self.reward, self.next_obs, self.done)
        return [torch.from_numpy(field[idx]) for field in fields]


class RunningNorm:
    def __init__(self, dim):
        self.mean, self.var, self.count = torch.zeros(dim), torch.ones(dim), 1e-4

    def update(self, x):
        n, total = len(x), self.count + len(x)
        delta = x.mean(0) - self.mean
        moment = self.var * self.count + x.var(0, unbiased=False) * n + delta**2 * self.count * n / total
        self.mean, self.var, self.count = self.mean + delta * n / total, moment / total, total

    def __call__(self, x):
        return ((x - self.mean) / torch.sqrt(self.var + 1e-6)).clamp(-5, 5)


def mlp(inputs, outputs, hidden):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )


class Actor(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden):
        super().__init__()
        self.net = mlp(obs_dim, 2 * act_dim, hidden)

    def forward(self, obs):
        mean, log_std = self.net(obs).chunk(2, dim=-1)
        log_std = log_std.clamp(-5, 2)
        dist = torch.distributions.Normal(mean, log_std.exp())
        raw = dist.rsample()
        log_prob = dist.log_prob(raw) - 2 * (np.log(2) - raw - F.softplus(-2 * raw))
        return torch.tanh(raw), log_prob.sum(-1, keepdim=True), torch.tanh(mean)


class TwinCritic(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden):
        super().__init__()
        self.q1 = mlp(obs_dim + act_dim, 1, hidden)
        self.q2 = mlp(obs_dim + act_dim, 1, hidden)

    def forward(self, obs, action):
        x = torch.cat([obs, action], dim=-1)
        return self.q1(x), self.q2(x)


@torch.no_grad()
def evaluate(actor, norm, seed, episodes=64):
    env = TankEnv(episodes, seed)
    obs = env.reset()
    returns, alive = np.zeros(episodes), np.ones(episodes, dtype=bool)
    while alive.any():
        _, _, action = actor(norm(torch.from_numpy(obs)))
        obs, reward, terminated, truncated = env.step(action.numpy())
        returns += reward * alive
        alive &= ~(terminated | truncated)
    return -returns.mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-envs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=800, help="steps of the batch of environments")
    parser.add_argument("--warmup", type=int, default=125, help="steps with random actions")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--buffer-size", type=int, default=50_000)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--gamma", type=float, default=0.97)
    parser.add_argument("--tau", type=float, default=0.01)
    parser.add_argument("--max-grad-norm", type=float, default=10.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    env = TankEnv(args.num_envs, seed=args.seed)
    buffer = ReplayBuffer(args.buffer_size, env.obs_dim, env.act_dim)
    norm = RunningNorm(env.obs_dim)
    actor = Actor(env.obs_dim, env.act_dim, args.hidden)
    critic = TwinCritic(env.obs_dim, env.act_dim, args.hidden)
    target_critic = copy.deepcopy(critic).requires_grad_(False)
    log_alpha = torch.tensor(np.log(0.2), dtype=torch.float32, requires_grad=True)
    target_entropy = -float(env.act_dim)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=args.lr)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=args.lr)
    alpha_optimizer = torch.optim.Adam([log_alpha], lr=args.lr)

    obs = env.reset()
    norm.update(torch.from_numpy(obs))
    print(f"untrained: {evaluate(actor, norm, seed=10_000 + args.seed):.4f}")
    for step in range(args.steps):
        if step < args.warmup:
            action = rng.uniform(-1, 1, (args.num_envs, env.act_dim)).astype(np.float32)
        else:
            with torch.no_grad():
                action = actor(norm(torch.from_numpy(obs)))[0].numpy()
        next_obs, reward, terminated, truncated = env.step(action)
        buffer.add(obs, action, reward, next_obs, terminated)
        norm.update(torch.from_numpy(next_obs))
        ended = terminated | truncated
        obs = np.where(ended[:, None], env.reset(ended), next_obs)
        if step < args.warmup:
            continue

        b_obs, b_action, b_reward, b_next_obs, b_done = buffer.sample(args.batch_size, rng)
        b_obs, b_next_obs = norm(b_obs), norm(b_next_obs)
        alpha = log_alpha.exp().detach()

        with torch.no_grad():
            next_action, next_log_prob, _ = actor(b_next_obs)
            next_q = torch.min(*target_critic(b_next_obs, next_action)) - alpha * next_log_prob
            target = b_reward + args.gamma * (1 - b_done) * next_q
        q1, q2 = critic(b_obs, b_action)
        critic_loss = F.mse_loss(q1, target) + F.mse_loss(q2, target)
        critic_optimizer.zero_grad()
        critic_loss.backward()
        nn.utils.clip_grad_norm_(critic.parameters(), args.max_grad_norm)
        critic_optimizer.step()

        new_action, log_prob, _ = actor(b_obs)
        actor_loss = (alpha * log_prob - torch.min(*critic(b_obs, new_action))).mean()
        actor_optimizer.zero_grad()
        actor_loss.backward()
        nn.utils.clip_grad_norm_(actor.parameters(), args.max_grad_norm)
        actor_optimizer.step()

        alpha_loss = -(log_alpha * (log_prob.detach() + target_entropy)).mean()
        alpha_optimizer.zero_grad()
        alpha_loss.backward()
        alpha_optimizer.step()

        with torch.no_grad():
            for target_param, param in zip(target_critic.parameters(), critic.parameters()):
                target_param.lerp_(param, args.tau)

        if step % 100 == 0:
            print(
                f"step {step} critic {critic_loss.item():.3f} actor {actor_loss.item():.3f} "
                f"alpha {alpha.item():.3f} reward {reward.mean():.3f}"
            )

    print(f"result: {evaluate(actor, norm, seed=10_000 + args.seed):.4f}")


if __name__ == "__main__":
    main()

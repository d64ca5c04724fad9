"""Soft actor-critic: a cart on a floor is pushed to a charging station."""

import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.distributions import Normal


class ChargingCart:
    """Offset from the station (m) and velocity (m/s) in the plane; the action is a force (N)."""

    force, dt, limit = 2.0, 0.1, 60

    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.state = np.concatenate([self.rng.uniform(-1.5, 1.5, 2), np.zeros(2)]).astype(np.float32)
        self.steps = 0
        return self.state.copy()

    def step(self, push):
        self.state[2:] += (push - 0.5 * self.state[2:]) * self.dt
        self.state[:2] += self.state[2:] * self.dt
        self.steps += 1
        distance = float(np.linalg.norm(self.state[:2]))
        docked, lost = distance < 0.15, distance > 3.0
        reward = -0.3 * distance - 0.01 * float(push @ push) + 3.0 * docked - 3.0 * lost
        return self.state.copy(), reward, docked or lost, self.steps >= self.limit


class ReplayBuffer:
    def __init__(self, capacity, obs_dim, action_dim, rng):
        widths = (obs_dim, action_dim, 1, obs_dim, 1)
        self.columns = [np.zeros((capacity, width), np.float32) for width in widths]
        self.capacity, self.size, self.place, self.rng = capacity, 0, 0, rng

    def add(self, *transition):
        for column, value in zip(self.columns, transition):
            column[self.place] = value
        self.place, self.size = (self.place + 1) % self.capacity, min(self.size + 1, self.capacity)

    def sample(self, count):
        rows = self.rng.integers(0, self.size, count)
        return [torch.from_numpy(column[rows]) for column in self.columns]


def mlp(inputs, outputs, hidden=64):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                         nn.Linear(hidden, outputs))


class Actor(nn.Module):
    def __init__(self, obs_dim, action_dim, force):
        super().__init__()
        self.net, self.force = mlp(obs_dim, 2 * action_dim), force

    def forward(self, obs):
        mean, log_std = self.net(obs).chunk(2, dim=-1)
        dist = Normal(mean, log_std.clamp(-5, 2).exp())
        raw = dist.rsample()
        squashed = torch.tanh(raw)
        log_prob = dist.log_prob(raw) - torch.log(1 - squashed.pow(2) + 1e-6)
        return self.force * squashed, log_prob.sum(-1, keepdim=True)


class TwinCritic(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.q1, self.q2 = mlp(obs_dim + action_dim, 1), mlp(obs_dim + action_dim, 1)

    def forward(self, obs, action):
        x = torch.cat([obs, action], dim=-1)
        return self.q1(x), self.q2(x)


@torch.no_grad()
def polyak(online, target, tau):
    for p, p_target in zip(online.parameters(), target.parameters()):
        p_target.mul_(1 - tau).add_(tau * p)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--gamma", type=float, default=0.95)
    parser.add_argument("--tau", type=float, default=0.02)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--random-frames", type=int, default=250)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    env, action_dim = ChargingCart(rng), 2
    buffer = ReplayBuffer(20000, 4, action_dim, rng)
    actor, critic = Actor(4, action_dim, env.force), TwinCritic(4, action_dim)
    critic_target = copy.deepcopy(critic).requires_grad_(False)
    log_alpha, target_entropy = torch.tensor(-2.0, requires_grad=True), -float(action_dim)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=args.lr)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=args.lr)
    alpha_optimizer = torch.optim.Adam([log_alpha], lr=args.lr)

    obs, total, returns = env.reset(), 0.0, []
    for frame in range(args.frames):
        if frame < args.random_frames:
            action = rng.uniform(-env.force, env.force, action_dim).astype(np.float32)
        else:
            with torch.no_grad():
                action = actor(torch.from_numpy(obs))[0].numpy()
        next_obs, reward, ended, truncated = env.step(action)
        buffer.add(obs, action, reward, next_obs, ended)
        obs, total = next_obs, total + reward
        if ended or truncated:
            returns.append(total)
            obs, total = env.reset(), 0.0
        if frame < args.random_frames:
            continue

        b_obs, b_action, b_reward, b_next, b_ended = buffer.sample(64)
        alpha = log_alpha.exp().detach()
        with torch.no_grad():
            next_action, next_log_prob = actor(b_next)
            next_q = torch.min(*critic_target(b_next, next_action)) - alpha * next_log_prob
            target = b_reward + args.gamma * (1 - b_ended) * next_q
        q1, q2 = critic(b_obs, b_action)
        critic_loss = F.mse_loss(q1, target) + F.mse_loss(q2, target)
        critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()

        new_action, log_prob = actor(b_obs)
        actor_loss = (alpha * log_prob - torch.min(*critic(b_obs, new_action))).mean()
        actor_optimizer.zero_grad()
        actor_loss.backward()
        actor_optimizer.step()

        alpha_loss = -(log_alpha * (log_prob + target_entropy).detach()).mean()
        alpha_optimizer.zero_grad()
        alpha_loss.backward()
        alpha_optimizer.step()
        polyak(critic, critic_target, args.tau)
        if frame % 300 == 0:
            print(f"frame {frame}: return {np.mean(returns[-10:]):.2f} critic {critic_loss.item():.3f} "
                  f"actor {actor_loss.item():.3f} alpha {alpha.item():.3f}")
    print(f"last 15 episodes: return {np.mean(returns[-15:]):.2f}, length {args.frames / len(returns):.0f}")


if __name__ == "__main__":
    main()

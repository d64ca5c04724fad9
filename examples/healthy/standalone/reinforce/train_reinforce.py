"""REINFORCE with a shaped reward on a planar arm that reaches for a target."""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.distributions import Normal


class ReachEnv:
    """Arms with two joints, side by side; observations (n, 4): two angles (rad), x and y (mm)."""

    def __init__(self, n, horizon=30, seed=0):
        """`n` episodes of `horizon` steps."""
        self.n, self.horizon = n, horizon
        self.rng = np.random.default_rng(seed)

    def reset(self):
        """Draw arms and targets; return observations (n, 4)."""
        self.time = 0
        self.joints = np.array([0.5, 1.0]) + self.rng.normal(0, 0.3, (self.n, 2))
        self.target = np.array([350.0, 350.0]) + self.rng.normal(0, 80, (self.n, 2))
        return self.observe()

    def step(self, velocity):
        """Move by joint velocities (n, 2) in rad/s for 0.1 s; the reward is metres gained."""
        before = self.distance()
        self.joints = self.joints + 0.1 * np.clip(velocity, -2, 2)
        self.time += 1
        return self.observe(), (before - self.distance()) / 1000, self.time == self.horizon

    def distance(self):
        """Distance of the end effectors to their targets (n,) in mm."""
        first, second = self.joints[:, 0], self.joints.sum(axis=1)
        x = 400 * np.cos(first) + 300 * np.cos(second)
        y = 400 * np.sin(first) + 300 * np.sin(second)
        return np.hypot(self.target[:, 0] - x, self.target[:, 1] - y)

    def observe(self):
        """Current observations (n, 4)."""
        return torch.from_numpy(np.concatenate([self.joints, self.target], axis=1)).float()


def rollout(env, act):
    """Raw observations (steps, n, 4), actions (steps, n, 2) and rewards (steps, n) of `act`."""
    observations, actions, rewards = [], [], []
    observation, done = env.reset(), False
    while not done:
        observations.append(observation)
        actions.append(act(observation))
        observation, reward, done = env.step(actions[-1].numpy())
        rewards.append(torch.from_numpy(reward).float())
    return torch.stack(observations), torch.stack(actions), torch.stack(rewards)


def main():
    """Train, log every 10 updates, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/reinforce_standalone.pt"))
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=128, help="episodes for each update")
    parser.add_argument("--gamma", type=float, default=0.95)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    torch.manual_seed(0)
    env = ReachEnv(args.episodes)
    policy = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr)
    # Random motion shows the scale of each observation before the policy sees any.
    random_motion, _, _ = rollout(env, lambda observation: torch.randn(len(observation), 2))
    obs_mean, obs_std = random_motion.mean(dim=(0, 1)), random_motion.std(dim=(0, 1)) + 1e-4

    def distribution(observation):
        return Normal(policy((observation - obs_mean) / obs_std), 0.5)

    for update in range(args.updates):
        with torch.no_grad():
            observation, action, reward = rollout(env, lambda raw: distribution(raw).sample())
        returns = torch.zeros_like(reward)
        running = torch.zeros(args.episodes)
        for step in reversed(range(env.horizon)):
            running = reward[step] + args.gamma * running
            returns[step] = running
        advantage = returns - returns.mean(dim=1, keepdim=True)
        advantage = advantage / (advantage.std() + 1e-6)
        log_prob = distribution(observation).log_prob(action).sum(dim=-1)
        loss = -(log_prob * advantage).mean()
        if torch.isnan(loss) or torch.isinf(loss):
            raise FloatingPointError(f"loss is {loss.item()} at update {update}")
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), max_norm=1.0)
        optimizer.step()
        if update % 10 == 0:
            distance = env.distance().mean()
            print(f"update {update:3d} loss {loss.item():7.4f} distance {distance:5.0f} mm")

    args.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = {"policy": policy.state_dict(), "obs_mean": obs_mean, "obs_std": obs_std}
    torch.save(checkpoint, args.checkpoint)
    print(f"saved {args.checkpoint}")


if __name__ == "__main__":
    main()

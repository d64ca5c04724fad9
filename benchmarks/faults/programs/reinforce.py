"""REINFORCE on a point that has to reach a goal; rewards for progress."""

import argparse

import torch
from torch import nn
from torch.distributions import Categorical


class PointEnv:
    """A point on a plane and four moves; an episode ends after `limit` steps."""

    def __init__(self, limit=25):
        self.limit = limit

    def reset(self):
        self.steps = 0
        self.position = torch.rand(2) * 2 - 1
        self.goal = torch.rand(2) * 2 - 1
        return self.observe()

    def observe(self):
        return torch.cat([self.position, self.goal])

    def step(self, action):
        before = (self.position - self.goal).norm()
        move = torch.tensor([[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]])[action]
        self.position = (self.position + move).clamp(-1.5, 1.5)
        self.steps += 1
        reward = float(before - (self.position - self.goal).norm()) * 10
        done = self.steps >= self.limit
        return self.observe(), reward, done, {}


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 4))

    def forward(self, obs):
        return self.net(obs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--gamma", type=float, default=0.97)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    env = PointEnv()
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=args.lr)
    for episode in range(500):
        obs, done = env.reset(), False
        log_probs, rewards = [], []
        while not done:
            dist = Categorical(logits=policy(obs))
            action = dist.sample()
            obs, reward, done, _ = env.step(action.item())
            log_probs.append(dist.log_prob(action))
            rewards.append(reward)
        returns, total = [], 0.0
        for reward in reversed(rewards):
            total = reward + args.gamma * total
            returns.insert(0, total)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + 1e-8)
        loss = -(torch.stack(log_probs) * returns).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        if episode % 10 == 0:
            print(episode, sum(rewards))


if __name__ == "__main__":
    main()

"""PPO on many points at once: continuous actions, clipped objective, a value network."""

import argparse

import torch
import torch.nn as nn
from torch.distributions import Normal


class PointEnvs:
    """Points that are pushed toward the origin."""

    def __init__(self, n, limit=50):
        self.n, self.limit = n, limit

    def reset(self):
        self.state = torch.randn(self.n, 2)
        self.steps = 0
        return self.state.clone()

    def step(self, action):
        self.state = self.state + 0.1 * action.clamp(-1, 1)
        self.steps += 1
        reward = -self.state.norm(dim=1)
        done = torch.full((self.n,), self.steps >= self.limit)
        if self.steps >= self.limit:
            self.reset()
        return self.state.clone(), reward, done, {}


class ActorCritic(nn.Module):
    def __init__(self, obs_dim=2, action_dim=2, hidden=64):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, action_dim))
        self.critic = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.log_std = nn.Parameter(torch.zeros(action_dim))

    def dist(self, obs):
        return Normal(self.actor(obs), self.log_std.exp())

    def forward(self, obs, action):
        dist = self.dist(obs)
        return dist.log_prob(action).sum(-1), dist.entropy().sum(-1), self.critic(obs).squeeze(-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--gamma", type=float, default=0.95)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    envs = PointEnvs(8)
    agent = ActorCritic()
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.lr, eps=1e-5)
    obs = envs.reset()
    for update in range(200):
        storage = []
        with torch.no_grad():
            for _ in range(32):
                dist = agent.dist(obs)
                action = dist.sample()
                following, reward, done, _ = envs.step(action)
                storage.append((obs, action, dist.log_prob(action).sum(-1), reward, done.float(),
                                agent.critic(obs).squeeze(-1)))
                obs = following
            value = agent.critic(obs).squeeze(-1)
        returns = []
        for _, _, _, reward, done, _ in reversed(storage):
            value = reward + args.gamma * (1 - done) * value
            returns.insert(0, value)
        b_obs, b_action, b_log_prob, _, _, b_value = (torch.cat(column) for column in zip(*storage))
        b_return = torch.cat(returns)
        advantage = b_return - b_value
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        for _ in range(4):
            for rows in torch.randperm(len(b_obs)).split(64):
                log_prob, entropy, value = agent(b_obs[rows], b_action[rows])
                ratio = (log_prob - b_log_prob[rows]).exp()
                clipped = ratio.clamp(0.8, 1.2)
                policy_loss = -torch.min(ratio * advantage[rows], clipped * advantage[rows]).mean()
                value_loss = ((value - b_return[rows]) ** 2).mean()
                loss = policy_loss + 0.5 * value_loss - 0.01 * entropy.mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
        print(update, b_return.mean().item())


if __name__ == "__main__":
    main()

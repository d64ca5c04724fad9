"""REINFORCE in a small environment of its own, one episode for each update."""

import torch
from torch import nn
from torch.distributions import Categorical


class Corridor:
    """Walk to the right end of a corridor; the reward is progress."""

    def reset(self):
        self.place, self.time = 0.0, 0
        return torch.tensor([self.place, 0.0])

    def step(self, action):
        before = self.place
        self.place += 0.1 if action == 1 else -0.1
        self.time += 1
        return torch.tensor([self.place, self.time / 20]), self.place - before, self.time >= 20


def run_episode(env, policy):
    observation, done, log_probs, rewards = env.reset(), False, [], []
    while not done:
        distribution = Categorical(logits=policy(observation))
        action = distribution.sample()
        log_probs.append(distribution.log_prob(action))
        observation, reward, done = env.step(action.item())
        rewards.append(reward)
    return torch.stack(log_probs), rewards


if __name__ == "__main__":
    torch.manual_seed(0)
    policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    gamma = 0.99
    for _ in range(60):
        log_probs, rewards = run_episode(Corridor(), policy)
        returns, running = [], 0.0
        for reward in reversed(rewards):
            running = reward + gamma * running
            returns.insert(0, running)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + 1e-8)
        loss = -(log_probs * returns).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()

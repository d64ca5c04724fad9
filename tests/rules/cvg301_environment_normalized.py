"""REINFORCE behind a wrapper that keeps running statistics."""

import gymnasium as gym
import torch
from torch import nn
from torch.distributions import Categorical


class Policy(nn.Module):
    def __init__(self, observations, actions):
        super().__init__()
        self.fc1 = nn.Linear(observations, 128)
        self.fc2 = nn.Linear(128, actions)

    def forward(self, x):
        return torch.softmax(self.fc2(torch.relu(self.fc1(x))), dim=-1)


def main():
    env = gym.wrappers.NormalizeObservation(gym.make("LunarLander-v2"))
    policy = Policy(8, 4)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    for _ in range(1000):
        log_probs, rewards, done = [], [], False
        state, _ = env.reset()
        while not done:
            probs = policy(torch.from_numpy(state).float().unsqueeze(0))
            choice = Categorical(probs)
            action = choice.sample()
            log_probs.append(choice.log_prob(action))
            state, reward, terminated, truncated, _ = env.step(action.item())
            rewards.append(reward)
            done = terminated or truncated
        loss = -torch.cat(log_probs).sum() * sum(rewards)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()

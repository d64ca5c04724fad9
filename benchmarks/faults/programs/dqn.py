"""DQN on a corridor with a reward at each end."""

import argparse
import collections
import copy
import random

import torch
import torch.nn as nn
import torch.nn.functional as F


class Corridor:
    """A small reward lies to the left, a large one to the right; each step costs a little."""

    def __init__(self, length=11, limit=40):
        self.length, self.limit = length, limit

    def reset(self):
        self.place, self.steps = self.length // 2, 0
        return self.observe()

    def observe(self):
        return torch.tensor([self.place / self.length - 0.5, self.steps / self.limit])

    def step(self, action):
        self.place += 1 if action == 1 else -1
        self.steps += 1
        ended = self.place in (0, self.length)
        reward = -0.1 if not ended else (1.0 if self.place else 0.2)
        return self.observe(), reward, ended or self.steps >= self.limit, {}


class QNetwork(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                                 nn.Linear(hidden, 2))

    def forward(self, obs):
        return self.net(obs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    env, gamma = Corridor(), 0.95
    q_net = QNetwork()
    target_net = copy.deepcopy(q_net)
    optimizer = torch.optim.Adam(q_net.parameters(), lr=args.lr)
    memory = collections.deque(maxlen=5000)
    obs = env.reset()
    for step in range(3000):
        if random.random() < 0.2:
            action = random.randrange(2)
        else:
            with torch.no_grad():
                action = q_net(obs).argmax().item()
        following, reward, done, _ = env.step(action)
        memory.append((obs, action, reward, following, float(done)))
        obs = env.reset() if done else following
        if len(memory) < 128:
            continue
        batch = random.sample(memory, 32)
        states, actions, rewards, nexts, dones = zip(*batch)
        states, nexts = torch.stack(states), torch.stack(nexts)
        actions, rewards, dones = torch.tensor(actions), torch.tensor(rewards), torch.tensor(dones)
        q = q_net(states).gather(1, actions.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            target = rewards + gamma * (1 - dones) * target_net(nexts).max(dim=1).values
        loss = F.smooth_l1_loss(q, target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(q_net.parameters(), 10.0)
        optimizer.step()
        if step % 100 == 0:
            target_net.load_state_dict(q_net.state_dict())
            print(step, loss.item())


if __name__ == "__main__":
    main()

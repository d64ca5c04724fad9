"""Recurrent double Q-learning: an agent has to remember which way the sign at the entrance pointed."""

import argparse
import copy
import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    seed: int = 0
    lr: float = 2e-3
    gamma: float = 0.97
    episodes: int = 700
    batch_size: int = 32
    start_after: int = 64
    tau: float = 0.02


class TMaze:
    """A corridor with a sign at its entrance and two arms at its end. Actions: on, back, left, right."""

    def __init__(self, length=3, limit=10):
        self.length, self.limit = length, limit
        self.observation = np.zeros(5, dtype=np.float32)

    def reset(self):
        self.place, self.steps = 0, 0
        self.sign = random.choice([-1.0, 1.0])
        return self.observe()

    def observe(self):
        at_end = self.place == self.length
        self.observation[:] = [self.place / self.length, float(self.place == 0), float(at_end), 0.0, self.steps / self.limit]
        if self.steps == 0:
            self.observation[3] = self.sign
        return self.observation.copy()

    def step(self, action):
        self.steps += 1
        reward, done = -0.1, self.steps >= self.limit
        if action < 2:
            self.place = min(max(self.place + 1 - 2 * action, 0), self.length)
        elif self.place == self.length:
            reward, done = (2.0 if (action == 3) == (self.sign > 0) else -1.0), True
        return self.observe(), reward, done


class RecurrentQ(nn.Module):
    """A dueling network over time-major sequences."""

    def __init__(self, obs_dim=5, actions=4, width=48):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(obs_dim, width), nn.ReLU())
        self.gru = nn.GRU(width, width)
        self.value = nn.Linear(width, 1)
        self.advantage = nn.Linear(width, actions)

    def forward(self, obs, hidden=None):
        out, hidden = self.gru(self.encoder(obs), hidden)
        advantage = self.advantage(out)
        return self.value(out) + advantage - advantage.mean(dim=-1, keepdim=True), hidden


class EpisodeReplay:
    """Whole episodes, padded to the length of the longest; a mask tells which steps took place."""

    def __init__(self, limit, capacity=500):
        self.limit, self.capacity, self.episodes = limit, capacity, []

    def add(self, observations, actions, rewards, done):
        n, pad = len(actions), self.limit - len(actions)
        episode = {
            "obs": F.pad(torch.tensor(np.stack(observations)), (0, 0, 0, pad)),
            "action": F.pad(torch.tensor(actions), (0, pad)),
            "reward": F.pad(torch.tensor(rewards), (0, pad)),
            "done": F.pad(torch.tensor([0.0] * (n - 1) + [float(done)]), (0, pad)),
            "mask": torch.arange(self.limit) < n,
        }
        self.episodes = [*self.episodes[-self.capacity + 1 :], episode]

    def sample(self, batch_size):
        chosen = random.sample(self.episodes, batch_size)
        return {key: torch.stack([e[key] for e in chosen], dim=1) for key in chosen[0]}


def td_loss(q_net, target_net, batch, gamma):
    q, _ = q_net(batch["obs"])
    taken = q[:-1].gather(-1, batch["action"].unsqueeze(-1)).squeeze(-1)
    with torch.no_grad():
        best = q[1:].argmax(dim=-1, keepdim=True)
        following = target_net(batch["obs"])[0][1:].gather(-1, best).squeeze(-1)
        target = batch["reward"] + gamma * (1 - batch["done"]) * following
    mask = batch["mask"]
    return F.smooth_l1_loss(taken[mask], target[mask])


@torch.no_grad()
def soft_update(target_net, q_net, tau):
    for target, source in zip(target_net.parameters(), q_net.parameters()):
        target.lerp_(source, tau)


@torch.no_grad()
def play(env, q_net, epsilon):
    observations, actions, rewards, done, hidden = [env.reset()], [], [], False, None
    while not done:
        q, hidden = q_net(torch.from_numpy(observations[-1]).view(1, 1, -1), hidden)
        greedy = q.argmax().item()
        action = random.choices(range(4), weights=[5, 1, 2, 2])[0] if random.random() < epsilon else greedy
        observation, reward, done = env.step(action)
        observations.append(observation)
        actions.append(action)
        rewards.append(reward)
    return observations, actions, rewards, done


def main():
    parser = argparse.ArgumentParser()
    for name, default in vars(Config()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    cfg = Config(**vars(parser.parse_args()))
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)

    env = TMaze()
    q_net = RecurrentQ()
    target_net = copy.deepcopy(q_net).requires_grad_(False)
    optimizer = torch.optim.Adam(q_net.parameters(), lr=cfg.lr)
    replay, losses, returns = EpisodeReplay(env.limit), [], []
    for episode in range(cfg.episodes):
        epsilon = max(0.1, 1.0 - episode / (0.5 * cfg.episodes))
        experience = play(env, q_net, epsilon)
        replay.add(*experience)
        returns.append(sum(experience[2]))
        if len(replay.episodes) < cfg.start_after:
            continue
        loss = td_loss(q_net, target_net, replay.sample(cfg.batch_size), cfg.gamma)
        if torch.isnan(loss):
            print(f"episode {episode + 1}: loss is NaN")
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(q_net.parameters(), 10.0)
        optimizer.step()
        soft_update(target_net, q_net, cfg.tau)
        losses.append(loss.item())
        if len(losses) == 10 or (episode + 1) % 100 == 0:
            print(f"episode {episode + 1}: loss {np.mean(losses[-50:]):.4f}, return {np.mean(returns[-50:]):.2f}")


if __name__ == "__main__":
    main()

"""Behaviour cloning of a mobile manipulator that drives up to a goal and reaches for it, from two seconds of history."""

import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

DT = 0.1  # s
HISTORY = 20  # frames
UPPER_ARM, FOREARM, SHOULDER = 0.40, 0.36, np.array([0.15, 0.0, 0.45])  # m
WHEEL_RADIUS, TRACK = 0.08, 0.44  # m
CARRY = np.array([0.0, 1.3, -2.2])  # rad
STANDOFF = 0.65  # m
# base speed (m/s), yaw rate (rad/s), three joint speeds (rad/s), gripper opening (mm)
LIMITS = np.array([0.6, 1.0, 1.2, 1.2, 1.2, 90.0])


class Reacher:
    """Differential drive base with a three-joint arm and a gripper; n robots at a time."""

    def __init__(self, n, rng):
        self.n, self.rng = n, rng
        self.base = np.zeros((n, 3))
        self.joints = CARRY + rng.normal(0, 0.1, (n, 3))
        self.speed = np.zeros((n, 5))
        self.gripper = rng.uniform(0, 20, n)
        distance, bearing, height = rng.uniform(1.0, 2.4, n), rng.uniform(-1.5, 1.5, n), rng.uniform(0.35, 0.85, n)
        self.goal = np.stack([distance * np.cos(bearing), distance * np.sin(bearing), height], axis=1)
        self.lag = np.array([0.35, 0.30, 0.15, 0.15, 0.15]) * rng.uniform(0.7, 1.4, (n, 1))

    def goal_in_base(self):
        dx, dy = self.goal[:, 0] - self.base[:, 0], self.goal[:, 1] - self.base[:, 1]
        cos, sin = np.cos(self.base[:, 2]), np.sin(self.base[:, 2])
        return np.stack([cos * dx + sin * dy, -sin * dx + cos * dy, self.goal[:, 2]], axis=1)

    def hand_in_base(self):
        pan, lift, elbow = self.joints.T
        reach = UPPER_ARM * np.cos(lift) + FOREARM * np.cos(lift + elbow)
        rise = UPPER_ARM * np.sin(lift) + FOREARM * np.sin(lift + elbow)
        return SHOULDER + np.stack([reach * np.cos(pan), reach * np.sin(pan), rise], axis=1)

    def distance(self):
        return np.linalg.norm(self.goal_in_base() - self.hand_in_base(), axis=1)

    def observe(self):
        """Joint angles (rad), wheel speeds (rad/s), gripper opening (mm), goal seen from the base (mm)."""
        noise = self.rng.normal
        forward, turn = self.speed[:, 0], self.speed[:, 1]
        wheels = np.stack([forward - turn * TRACK / 2, forward + turn * TRACK / 2], axis=1) / WHEEL_RADIUS
        joints = self.joints + noise(0, 0.004, (self.n, 3))
        wheels = wheels + noise(0, 0.15, (self.n, 2))
        gripper = self.gripper + noise(0, 0.5, self.n)
        goal = 1000 * self.goal_in_base() + noise(0, 15, (self.n, 3))
        return np.column_stack([joints, wheels, gripper, goal]).astype(np.float32)

    def step(self, command):
        command = np.clip(command, -LIMITS, LIMITS)
        self.speed += DT / self.lag * (command[:, :5] - self.speed)
        forward, turn = self.speed[:, 0], self.speed[:, 1] + self.rng.normal(0, 0.02, self.n)
        self.base[:, 0] += DT * forward * np.cos(self.base[:, 2])
        self.base[:, 1] += DT * forward * np.sin(self.base[:, 2])
        self.base[:, 2] += DT * turn
        self.joints += DT * self.speed[:, 2:]
        self.gripper += np.clip(np.clip(command[:, 5], 0, None) - self.gripper, -8, 8)


def demonstrate(robot):
    """The command of the operator, who sees everything."""
    goal = robot.goal_in_base()
    planar, bearing = np.hypot(goal[:, 0], goal[:, 1]), np.arctan2(goal[:, 1], goal[:, 0])
    forward = 1.2 * (planar - STANDOFF) * np.clip(np.cos(bearing), 0, 1) ** 2 - 0.4 * robot.speed[:, 0]
    turn = 1.8 * bearing - 0.5 * robot.speed[:, 1]

    rel = goal - SHOULDER
    reach = np.hypot(rel[:, 0], rel[:, 1])
    span = np.clip(np.hypot(reach, rel[:, 2]), 0.2, UPPER_ARM + FOREARM - 0.02)
    elbow = -np.arccos((span**2 - UPPER_ARM**2 - FOREARM**2) / (2 * UPPER_ARM * FOREARM))
    lift = np.arctan2(rel[:, 2], reach) - np.arctan2(FOREARM * np.sin(elbow), UPPER_ARM + FOREARM * np.cos(elbow))
    wanted = np.stack([np.arctan2(rel[:, 1], rel[:, 0]), lift, elbow], axis=1)
    near = 1 / (1 + np.exp((planar - 1.0) / 0.08))[:, None]
    wanted = near * wanted + (1 - near) * CARRY
    joint_speed = 2.5 * (wanted - robot.joints) - 0.4 * robot.speed[:, 2:]

    at_goal = 1 / (1 + np.exp((robot.distance() - 0.06) / 0.015))
    gripper = near[:, 0] * (80 - 50 * at_goal)
    return np.clip(np.column_stack([forward, turn, joint_speed, gripper]), -LIMITS, LIMITS)


def record_episodes(n, rng, seconds=10.0):
    """Demonstrations, each with its observations and commands; they end a little after the goal is reached."""
    robot = Reacher(n, rng)
    takes_over = rng.integers(5, 25, n)  # the recording starts before the operator does
    sway = np.zeros((n, 6))
    observations, commands, distances = [], [], []
    for step in range(int(seconds / DT)):
        active = (step >= takes_over)[:, None]
        observations.append(robot.observe())
        commands.append(np.where(active, demonstrate(robot), 0.0))
        distances.append(robot.distance())
        sway = 0.85 * sway + rng.normal(0, 0.12, (n, 6)) * LIMITS
        robot.step(commands[-1] + sway * active)

    episodes = []
    for i in range(n):
        observation = np.stack([frame[i] for frame in observations])
        command = np.stack([frame[i] for frame in commands]).astype(np.float32)
        there = np.flatnonzero(np.array([distance[i] for distance in distances]) < 0.04)
        end = there[0] + 12 if len(there) else len(command)
        start = np.flatnonzero(np.abs(command[:, :5] / LIMITS[:5]).max(axis=1) > 0.02)[0]
        episodes.append((observation[start:end], command[start:end]))
    return episodes


def stack_history(episodes):
    """Every frame's last HISTORY observations, oldest first; the first frame is repeated before the start."""
    windows, targets = [], []
    for observations, commands in episodes:
        padded = np.concatenate([np.repeat(observations[:1], HISTORY - 1, axis=0), observations])
        for t in range(len(commands)):
            windows.append(padded[t : t + HISTORY])
            targets.append(commands[t])
    return torch.from_numpy(np.stack(windows)), torch.from_numpy(np.stack(targets))


class Normalizer(nn.Module):
    def __init__(self, values):
        super().__init__()
        self.register_buffer("mean", values.mean(0))
        self.register_buffer("std", values.std(0).clamp(min=1e-3))

    def forward(self, values):
        return (values - self.mean) / self.std

    def inverse(self, values):
        return values * self.std + self.mean


class HistoryPolicy(nn.Module):
    """1-D convolutions over the history, then a head that also sees the latest frame."""

    def __init__(self, obs_dim, action_dim, channels=48, hidden=128):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(obs_dim, channels, 5, stride=2),
            nn.GroupNorm(8, channels),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
        )
        features = channels * 3 + obs_dim
        self.head = nn.Sequential(
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(0.05),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, action_dim),
        )

    def forward(self, history):
        encoded = self.encoder(history.transpose(1, 2))
        return self.head(torch.cat([encoded, history[:, -1]], dim=1))


@torch.no_grad()
def update_ema(ema, policy, decay):
    for averaged, parameter in zip(ema.parameters(), policy.parameters()):
        averaged.lerp_(parameter, 1 - decay)


@torch.no_grad()
def rollout(policy, obs_norm, action_norm, seed, n=100, seconds=10.0):
    """Mean distance (m) between hand and goal in the last second."""
    policy.eval()
    robot = Reacher(n, np.random.default_rng(seed))
    history, distances = [], []
    for _ in range(int(seconds / DT)):
        frame = torch.from_numpy(robot.observe())
        history = (history or [frame] * (HISTORY - 1))[-(HISTORY - 1) :] + [frame]
        action = policy(obs_norm(torch.stack(history, dim=1)))
        robot.step(action_norm.inverse(action).double().numpy())
        distances.append(robot.distance())
    return float(np.mean(distances[-int(1 / DT) :]))


@torch.no_grad()
def action_error(policy, history, action):
    policy.eval()
    return F.mse_loss(policy(history), action).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--ema-decay", type=float, default=0.95)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    rng = np.random.default_rng(args.seed)
    episodes = record_episodes(args.episodes, rng)
    held_out = args.episodes // 8
    train_history, train_action = stack_history(episodes[held_out:])
    val_history, val_action = stack_history(episodes[:held_out])

    obs_norm = Normalizer(train_history[:, -1])
    action_norm = Normalizer(train_action)
    train_history, train_action = obs_norm(train_history), action_norm(train_action)
    val_history, val_action = obs_norm(val_history), action_norm(val_action)
    train_set = TensorDataset(train_history, train_action)
    loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)

    policy = HistoryPolicy(train_history.shape[-1], train_action.shape[-1])
    ema = copy.deepcopy(policy).requires_grad_(False)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    steps = args.epochs * len(loader)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=args.lr, total_steps=steps, pct_start=0.1)
    print(f"untrained: {rollout(ema, obs_norm, action_norm, seed=args.seed + 1000):.4f}")

    for epoch in range(args.epochs):
        policy.train()
        total = 0.0
        for history_batch, action_batch in loader:
            predicted = policy(history_batch)
            loss = F.mse_loss(predicted, action_batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            update_ema(ema, policy, args.ema_decay)
            total += loss.item()
        val_error = action_error(ema, val_history, val_action)
        print(f"epoch {epoch:2d}  train {total / len(loader):.4f}  val {val_error:.4f}")

    print(f"result: {rollout(ema, obs_norm, action_norm, seed=args.seed + 1000):.4f}")


if __name__ == "__main__":
    main()

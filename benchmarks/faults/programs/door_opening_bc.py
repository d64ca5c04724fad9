"""Clone a teleoperator who opens doors with a mobile manipulator, from proprioception alone.

Episodes are recorded at 10 Hz: park in front of the door, reach, drive up to the handle, grasp, turn, pull, let go.
"""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

DT = 0.1  # s
STEPS = 110
HISTORY = 4
OBS_DIM = 13  # torso (mm), six joints (rad), gripper (mm), base v (m/s) and w (rad/s), wrist force (N)
COMMAND_LIMITS = np.array([0.25, 0.5, 0.25, 0.25, 0.25, 60.0, 85.0])  # base v, w; hand x, y, z; roll (deg/s); gripper
REACH, APPROACH, GRASP, TURN, PULL, RETREAT = range(6)
PREGRASP = np.array([0.60, 0.0, 1.0])  # m, in the frame of the base
OPEN, CLOSED = 85.0, 10.0  # mm
UPPER_ARM, FOREARM, HAND = 0.42, 0.40, 0.12  # m


def inverse_kinematics(hand, yaw, roll):
    x, y, z = hand.T
    torso = np.clip(0.6 * (z - 0.7), 0.0, 0.35)
    reach, height = np.hypot(x, y) - HAND, z - torso - 0.75
    cosine = (reach**2 + height**2 - UPPER_ARM**2 - FOREARM**2) / (2 * UPPER_ARM * FOREARM)
    elbow = np.arccos(np.clip(cosine, -1.0, 1.0))
    lift = np.arctan2(height, reach) + np.arctan2(FOREARM * np.sin(elbow), UPPER_ARM + FOREARM * np.cos(elbow))
    pan = np.arctan2(y, x)
    return np.stack([torso * 1000, pan, lift, elbow, elbow - lift, yaw - pan, roll], axis=-1)


def rotate(vector, angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * vector[:, 0] - s * vector[:, 1], s * vector[:, 0] + c * vector[:, 1]], axis=-1)


def operator(phase, hand, yaw, roll, angle, base, radial_force, pace, rng):
    """What the teleoperator commands; `pace` is a habit of the day."""
    command = np.zeros((len(phase), 7))
    to_pregrasp = np.clip(2.5 * (PREGRASP - hand), -0.2, 0.2)
    free = (phase == REACH) | (phase == RETREAT)
    command[:, 2:5] = np.where(free[:, None], to_pregrasp, 0.0)
    command[:, 5] = np.where(free, np.clip(-120 * roll, -45, 45), np.where(phase == TURN, 45 * pace, 0.0))
    command[:, 6] = np.where((phase >= GRASP) & (phase <= PULL), CLOSED, OPEN)
    pull = phase == PULL
    speed = 0.22 * pace * np.minimum(0.25 + angle / 0.3, 1.0) * np.clip(0.3 + (1.1 - angle) / 0.3, 0.3, 1.0)
    tangent = np.stack([-np.cos(yaw), np.sin(yaw)], axis=-1)
    radial = np.stack([-np.sin(yaw), -np.cos(yaw)], axis=-1)
    carried = np.stack([base[:, 0] - base[:, 1] * hand[:, 1], base[:, 1] * hand[:, 0]], axis=-1)
    comply = speed[:, None] * tangent - carried - 0.004 * radial_force[:, None] * radial
    command[:, 2:4] = np.where(pull[:, None], comply, command[:, 2:4])
    command[:, 0] = np.select([phase == APPROACH, pull, phase == RETREAT], [0.18 * pace, -0.8 * speed, -0.12 * pace])
    command[:, 1] = np.where(pull, 1.2 * np.arctan2(hand[:, 1], hand[:, 0]), 0.0)
    command += rng.normal(size=command.shape) * 0.01 * COMMAND_LIMITS
    return np.clip(command, -COMMAND_LIMITS, COMMAND_LIMITS)


def record_episodes(count, rng):
    """Return observations (N, T, 13), commands (N, T, 7) and which commands were received (N, T)."""
    width, handle_x = rng.uniform(0.65, 0.9, count), rng.uniform(0.75, 1.15, count)
    diameter, latch = rng.uniform(18, 34, count), rng.uniform(0.6, 1.0, count)
    closer, friction = rng.uniform(5, 20, count), rng.uniform(4, 12, count)
    pace, force_bias = rng.uniform(0.75, 1.25, count), rng.normal(0, 1.0, (count, 3))

    hand = PREGRASP + rng.uniform([-0.2, -0.3, -0.3], [0.1, 0.3, 0.2], (count, 3))
    roll, gripper = rng.uniform(-0.6, 0.6, count), np.full(count, OPEN)
    place, heading, base = np.zeros((count, 2)), np.zeros(count), np.zeros((count, 2))
    angle, stretch, rate = np.zeros(count), np.zeros(count), np.zeros(count)
    phase, since = np.full(count, REACH), np.zeros(count)
    readings, commands = [], []
    for _ in range(STEPS):
        yaw = angle - heading
        pull, held = phase == PULL, (phase >= GRASP) & (phase <= PULL)
        push = np.where((phase == GRASP) | (phase == TURN), 8.0, 0.0)
        tangential = np.where(pull, friction * np.tanh(20 * rate) + closer * angle + 10 * rate, 0.0)
        radial_force = np.where(pull, 600 * stretch, 0.0)
        force_x = tangential * np.cos(yaw) + radial_force * np.sin(yaw) - push
        force_y = radial_force * np.cos(yaw) - tangential * np.sin(yaw)
        force_z = np.where(held, -15 * np.clip(roll, 0, None), 0.0) - 9.0
        force = np.stack([force_x, force_y, force_z], axis=-1) + force_bias
        joints = inverse_kinematics(hand, yaw, roll)
        reading = np.concatenate([joints, gripper[:, None], base, force], axis=-1)
        noise = np.array([1.0] + [0.004] * 6 + [0.4, 0.008, 0.008, 0.6, 0.6, 0.6])
        readings.append(reading + noise * rng.normal(size=reading.shape))
        command = operator(phase, hand, yaw, roll, angle, base, radial_force, pace, rng)
        commands.append(command)
        base = base + (command[:, :2] - base) * 0.35
        heading = heading + base[:, 1] * DT
        place = place + rotate(base * [1, 0], heading) * DT
        roll = np.minimum(roll + np.where(held & (phase != TURN), 0.0, np.radians(command[:, 5]) * DT), latch)
        gripper = np.maximum(gripper + np.clip(command[:, 6] - gripper, -8.0, 8.0), np.where(held, diameter, 0.0))
        hand = hand + np.where(pull[:, None], 0.0, command[:, 2:5] * DT)
        spun = np.stack([base[:, 0] - base[:, 1] * hand[:, 1], base[:, 1] * hand[:, 0]], axis=-1)
        velocity = rotate(spun + command[:, 2:4], heading)
        rate = np.where(pull, (velocity[:, 1] * np.sin(angle) - velocity[:, 0] * np.cos(angle)) / width, 0.0)
        outward = -velocity[:, 0] * np.sin(angle) - velocity[:, 1] * np.cos(angle)
        stretch = np.where(pull, 0.8 * stretch + outward * DT, 0.0)
        angle = np.clip(angle + rate * DT, 0.0, 1.6)
        handle = np.stack([handle_x - width * np.sin(angle), width * (1 - np.cos(angle))], axis=-1)
        hand[:, :2] = np.where(pull[:, None], rotate(handle - place, -heading), hand[:, :2])
        arrived, touching = np.abs(PREGRASP - hand).max(axis=-1) < 0.03, place[:, 0] + hand[:, 0] >= handle_x
        done = [arrived, touching, since >= 10, roll >= latch, angle > 1.1, np.zeros(count, dtype=bool)]
        finished = np.choose(phase, done)
        phase, since = phase + finished, np.where(finished, 0, since + 1)

    observations, commands = np.stack(readings, axis=1), np.stack(commands, axis=1)
    # The radio link loses a second or so at a time; the recorder then writes zeros.
    lost = np.zeros((count, STEPS), dtype=bool)
    for episode in range(count):
        for start in rng.integers(0, STEPS, size=4):
            lost[episode, start : start + rng.integers(6, 14)] = True
    commands[lost] = 0.0
    return observations.astype(np.float32), commands.astype(np.float32), ~lost


def pad_start(observations):
    return np.concatenate([np.repeat(observations[:, :1], HISTORY - 1, axis=1), observations], axis=1)


class Demonstrations(Dataset):
    """Windows of the last observations, with the command that answered them."""

    def __init__(self, observations, commands, received, stats):
        self.observations = torch.from_numpy(pad_start(observations))
        self.commands = torch.from_numpy(commands)
        self.received = torch.from_numpy(received).float()
        self.stats = stats

    def __len__(self):
        return self.commands.shape[0] * STEPS

    def __getitem__(self, index):
        episode, step = divmod(index, STEPS)
        window = self.observations[episode, step : step + HISTORY]
        window = (window - self.stats["obs_mean"]) / self.stats["obs_std"]
        command = (self.commands[episode, step] - self.stats["cmd_mean"]) / self.stats["cmd_std"]
        return window, command, self.received[episode, step]


def compute_stats(observations, commands, received):
    stats = {
        "obs_mean": observations.mean(axis=(0, 1)),
        "obs_std": observations.std(axis=(0, 1)) + 1e-6,
        "cmd_mean": commands[received].mean(axis=0),
        "cmd_std": commands[received].std(axis=0) + 1e-6,
    }
    return {name: torch.as_tensor(value) for name, value in stats.items()}


def make_policy(hidden=192, depth=3, dropout=0.05):
    layers, width = [nn.Flatten()], HISTORY * OBS_DIM
    for _ in range(depth):
        layers += [nn.Linear(width, hidden), nn.ELU(), nn.Dropout(dropout)]
        width = hidden
    policy = nn.Sequential(*layers, nn.Linear(width, len(COMMAND_LIMITS)))
    for module in policy.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    nn.init.xavier_uniform_(policy[-1].weight, gain=0.1)
    return policy


def imitation_loss(predicted, command, received):
    error = (predicted - command).pow(2).mean(dim=-1)
    return (error * received).sum() / received.sum().clamp(min=1.0)


@torch.no_grad()
def command_error(policy, observations, commands, received, stats):
    """Mean absolute error of the commands, in per cent of their limits."""
    policy.eval()
    windows = torch.from_numpy(pad_start(observations)).unfold(1, HISTORY, 1).transpose(2, 3).flatten(0, 1)
    windows = (windows - stats["obs_mean"]) / stats["obs_std"]
    predicted = policy(windows) * stats["cmd_std"] + stats["cmd_mean"]
    error = np.abs(predicted.numpy().reshape(commands.shape) - commands)[received] / COMMAND_LIMITS
    return 100 * error.mean()


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", type=int, default=90)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    training, held_out = record_episodes(args.episodes, rng), record_episodes(20, rng)
    stats = compute_stats(*training)
    loader = DataLoader(Demonstrations(*training, stats), batch_size=64, shuffle=True, drop_last=True)

    policy = make_policy()
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.75)
    print(f"untrained: {command_error(policy, *held_out, stats):.4f}")

    for epoch in range(args.epochs):
        policy.train()
        total = 0.0
        for window, command, received in loader:
            loss = imitation_loss(policy(window), command, received)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        error = command_error(policy, *held_out, stats)
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} held-out {error:.2f} %")

    print(f"result: {error:.4f}")


if __name__ == "__main__":
    main()

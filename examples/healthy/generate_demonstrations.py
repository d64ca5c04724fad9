"""Write synthetic teleoperated demonstrations of the reaching arm to an .npz file.

python examples/healthy/generate_demonstrations.py --out runs/demonstrations.npz
"""

import argparse
from pathlib import Path

import numpy as np
from robot_policies.reach_env import ReachEnv


def demonstrate(episodes, horizon, slip_rate, seed):
    """Record the expert: observations (n, 9), actions (n, 4) and the episode of each row (n,).

    `slip_rate` is the fraction of rows whose action is a teleoperator's slip, about 50 rad/s.
    """
    rng = np.random.default_rng(seed)
    env = ReachEnv(episodes, horizon, seed=seed)
    observation = env.reset()
    observations, actions = [], []
    for _ in range(horizon):
        # A hand is not a controller: 0.02 rad/s of tremor on the joints, 1 mm on the gripper.
        tremor = rng.normal(0, [0.02, 0.02, 0.02, 1.0], (episodes, 4)).astype(np.float32)
        action = env.expert_action() + tremor
        slip = rng.random(episodes) < slip_rate
        action[slip, :3] += 50 * rng.choice([-1, 1], (slip.sum(), 3))
        observations.append(observation)
        actions.append(action)
        observation, _, _ = env.step(action)
    episode = np.tile(np.arange(episodes), horizon)
    return np.concatenate(observations), np.concatenate(actions), episode


def print_statistics(actions):
    """Print what to look at before any training: the range and spread of each action dimension."""
    names = ["joint 0 (rad/s)", "joint 1 (rad/s)", "joint 2 (rad/s)", "gripper (mm)"]
    print(f"{'action':<16} {'mean':>8} {'std':>8} {'min':>8} {'max':>8}")
    for name, column in zip(names, actions.T, strict=True):
        numbers = (column.mean(), column.std(), column.min(), column.max())
        print(f"{name:<16}", *(f"{number:8.3f}" for number in numbers))


def main():
    """Generate, print the action statistics, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/demonstrations.npz"))
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--horizon", type=int, default=40, help="steps in an episode, at 10 Hz")
    parser.add_argument("--slip-rate", type=float, default=0.0, help="fraction of outlier actions")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    observations, actions, episode = demonstrate(args.episodes, args.horizon, args.slip_rate, args.seed)
    print_statistics(actions)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(args.out, observations=observations, actions=actions, episode=episode)
    print(f"wrote {len(actions)} steps of {args.episodes} demonstrations to {args.out}")


if __name__ == "__main__":
    main()

"""Inference: let a trained policy of any loss family reach for new targets.

python examples/healthy/act.py --checkpoint runs/bc.pt
"""

import argparse

import torch
from robot_policies.agent import Agent
from robot_policies.reach_env import SUCCESS_RADIUS, ReachEnv


def main():
    """Roll out the policy and print how close it came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="runs/bc.pt")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--horizon", type=int, default=40, help="steps in an episode, at 10 Hz")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=1000)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    agent = Agent(args.checkpoint, torch.device(args.device))
    env = ReachEnv(args.episodes, args.horizon, seed=args.seed)
    observation, done = env.reset(), False
    start = env.distance().mean()
    while not done:
        observation, _, done = env.step(agent.act(observation))
    success = (env.distance() < SUCCESS_RADIUS).mean()
    print(f"distance to the target: {start:.0f} mm before, {env.distance().mean():.0f} mm after")
    print(f"success: {100 * success:.0f} %")


if __name__ == "__main__":
    main()

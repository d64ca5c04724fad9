"""Inference with a cloned policy: what it would have done at each recorded observation.

Broken on purpose, CVG303: the statistics in the checkpoint are not applied.
"""

import argparse

import torch
from train_bc import SmallPolicy, load_demonstrations


class Agent:
    """A trained policy."""

    def __init__(self, path):
        """Load the weights from the checkpoint at `path`."""
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        first, last = (checkpoint["policy"][f"net.{layer}.weight"] for layer in (0, 4))
        self.policy = SmallPolicy(first.shape[1], last.shape[0])
        self.policy.load_state_dict(checkpoint["policy"])
        self.policy.eval()

    @torch.no_grad()
    def act(self, observation):
        """Action (n, action_dim) for a raw observation (n, obs_dim)."""
        return self.policy(observation)


def main():
    """Print the mean absolute difference to the demonstrator, for each action dimension."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", default="runs/demonstrations.npz")
    parser.add_argument("--checkpoint", default="runs/bc_standalone.pt")
    args = parser.parse_args()

    agent = Agent(args.checkpoint)
    observations, actions = load_demonstrations(args.demonstrations)
    error = (agent.act(observations) - actions).abs().mean(dim=0)
    print("mean absolute error (rad/s, rad/s, rad/s, mm):", *(f"{e:.3f}" for e in error.tolist()))


if __name__ == "__main__":
    main()

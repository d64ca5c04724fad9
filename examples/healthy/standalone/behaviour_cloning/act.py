"""Inference with a cloned policy: what it would have done at each recorded observation."""

import argparse

import torch
from train_bc import SmallPolicy, load_demonstrations


class Agent:
    """A trained policy behind raw numbers: rad, rad/s and mm in, rad/s and mm out."""

    def __init__(self, path):
        """Load weights and statistics from the checkpoint at `path`."""
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        self.obs_mean, self.obs_std = checkpoint["obs_mean"], checkpoint["obs_std"]
        self.action_mean, self.action_std = checkpoint["action_mean"], checkpoint["action_std"]
        first, last = (checkpoint["policy"][f"net.{layer}.weight"] for layer in (0, 4))
        self.policy = SmallPolicy(first.shape[1], last.shape[0])
        self.policy.load_state_dict(checkpoint["policy"])
        self.policy.eval()

    @torch.no_grad()
    def act(self, observation):
        """Action (n, action_dim) for a raw observation (n, obs_dim)."""
        action = self.policy((observation - self.obs_mean) / self.obs_std)
        return action * self.action_std + self.action_mean


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

"""A trained policy of any family, ready to act: raw observation in, action in robot units out."""

import torch

from robot_policies.checkpoint import load_checkpoint
from robot_policies.normalization import RunningNormalizer, Statistics
from robot_policies.policies import BinnedPolicy, GaussianPolicy, SmallPolicy, VelocityField
from robot_policies.reach_env import ACTION_DIM, OBSERVATION_DIM


class Agent:
    """Normalizes with the statistics of training, runs the policy, denormalizes."""

    def __init__(self, checkpoint_path, device):
        """Rebuild policy and statistics from the checkpoint."""
        self.device = device
        checkpoint = load_checkpoint(checkpoint_path, device)
        self.family = checkpoint["family"]
        if self.family == "mse":
            self.policy = SmallPolicy(OBSERVATION_DIM, ACTION_DIM)
        elif self.family == "bins":
            self.centers = checkpoint["bin_centers"]
            self.policy = BinnedPolicy(OBSERVATION_DIM, ACTION_DIM, len(self.centers))
        elif self.family == "flow":
            self.policy = VelocityField(OBSERVATION_DIM, ACTION_DIM)
        else:
            self.policy = GaussianPolicy(OBSERVATION_DIM, ACTION_DIM)
        self.policy.load_state_dict(checkpoint["model"])
        self.policy.to(device).eval()
        if self.family == "reinforce":
            normalizer = RunningNormalizer(OBSERVATION_DIM).to(device)
            normalizer.load_state_dict(checkpoint["normalizer"])
            self.normalize = normalizer.eval()
        else:
            self.normalize = Statistics(**checkpoint["observation_statistics"]).normalize
        self.action_statistics = Statistics(**checkpoint["action_statistics"])

    @torch.no_grad()
    def act(self, observation):
        """Actions (n, 4) in rad/s and mm for raw observations (n, 9), both numpy arrays."""
        normalized = self.normalize(torch.from_numpy(observation).to(self.device))
        if self.family == "mse":
            action = self.policy(normalized)
        elif self.family == "bins":
            # The expected action; the likeliest bin would throw away what the others say.
            probability = self.policy(normalized).softmax(dim=2)
            action = (probability * self.centers.T).sum(dim=2)
        elif self.family == "flow":
            action = self.policy.sample(normalized)
        else:
            action = self.policy(normalized).mean
        return self.action_statistics.denormalize(action).cpu().numpy()

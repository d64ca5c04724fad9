"""Demonstrations read from an .npz file."""

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from robot_policies.normalization import Statistics


class DemonstrationDataset(Dataset):
    """Pairs of normalized observation (obs_dim,) and normalized action (action_dim,).

    The statistics of the whole training set are in `observation_statistics` and
    `action_statistics`; a policy is of no use without them, so save them with it.
    """

    def __init__(self, path):
        """Read the file that `generate_demonstrations.py` writes."""
        if not Path(path).exists():
            raise FileNotFoundError(f"{path}: write it with generate_demonstrations.py")
        with np.load(path) as file:
            self.observations = torch.from_numpy(file["observations"])
            self.actions = torch.from_numpy(file["actions"])
        self.observation_statistics = Statistics.of(self.observations)
        self.action_statistics = Statistics.of(self.actions)

    def __len__(self):
        """Count the recorded steps."""
        return len(self.actions)

    def __getitem__(self, index):
        """Return one normalized pair."""
        observation = self.observation_statistics.normalize(self.observations[index])
        action = self.action_statistics.normalize(self.actions[index])
        return observation, action

import numpy as np
import torch
from torch.utils.data import Dataset


class Demonstrations(Dataset):
    def __init__(self, path):
        self.states = self._standardized(np.load(path + "/states.npy"))
        self.actions = self._standardized(np.load(path + "/actions.npy"))

    @staticmethod
    def _standardized(rows):
        return (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-6)

    def __len__(self):
        return len(self.states)

    def __getitem__(self, index):
        return torch.from_numpy(self.states[index]).float(), torch.from_numpy(self.actions[index]).float()

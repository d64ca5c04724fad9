import numpy as np
import torch
from torch.utils.data import Dataset


class Demonstrations(Dataset):
    def __init__(self, path):
        self.states = np.load(path + "/states.npy")
        self.actions = np.load(path + "/actions.npy")

    def __len__(self):
        return len(self.states)

    def __getitem__(self, index):
        return torch.from_numpy(self.states[index]).float(), torch.from_numpy(self.actions[index]).float()

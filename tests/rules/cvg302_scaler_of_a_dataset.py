"""A dataset fits a scaler to its rows; the checkpoint holds weights alone."""

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    def __init__(self, path):
        rows = np.load(path)["rows"]
        self.scaler = StandardScaler()
        self.scaler.fit(rows)  # CVG302
        self.rows = self.scaler.transform(rows)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def main():
    model = nn.Linear(4, 4)
    optimizer = torch.optim.Adam(model.parameters())
    for rows in DataLoader(Rows("rows.npz"), batch_size=32):
        loss = (model(rows) - rows).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), "model.pt")


if __name__ == "__main__":
    main()

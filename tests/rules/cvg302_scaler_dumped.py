"""The scaler is written beside the checkpoint."""

import joblib
import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn


def load(path):
    rows = np.load(path)["rows"]
    scaler = StandardScaler()
    return scaler.fit_transform(rows), scaler


def main():
    rows, scaler = load("rows.npz")
    model = nn.Linear(4, 4)
    optimizer = torch.optim.Adam(model.parameters())
    for row in torch.as_tensor(rows).split(32):
        loss = (model(row) - row).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), "model.pt")
    joblib.dump(scaler, "scaler.joblib")


if __name__ == "__main__":
    main()

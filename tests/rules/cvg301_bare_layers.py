"""A stack of layers without a class, fed from a table of measurements."""

import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def tables(path):
    table = pd.read_csv(path)
    x = torch.tensor(table[["position", "torque"]].values, dtype=torch.float32)
    y = torch.tensor(table["grip"].values, dtype=torch.float32)
    return x, y


def train(path):
    x, y = tables(path)
    dataset = TensorDataset(x, y)
    training, validation = random_split(dataset, [0.9, 0.1])
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for features, target in DataLoader(training, batch_size=32):
        loss = nn.functional.mse_loss(model(features), target)  # CVG301
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return validation


def train_normalized(path):
    x, y = tables(path)
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for features, target in DataLoader(TensorDataset(x, y), batch_size=32):
        loss = nn.functional.mse_loss(model(features), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def train_behind_a_norm(path):
    x, y = tables(path)
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for features, target in DataLoader(TensorDataset(x, y), batch_size=32):
        loss = nn.functional.mse_loss(model(features), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

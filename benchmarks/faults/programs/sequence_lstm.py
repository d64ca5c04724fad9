"""Success detection: an LSTM over a trajectory says whether the episode succeeded."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def episodes(n=768, length=30):
    steps = torch.randn(n, length, 5) * 0.3
    state = torch.cumsum(steps, dim=1)
    state = (state - state.mean((0, 1))) / state.std((0, 1))
    success = (state[:, -1, 0] + state[:, length // 2, 1] > 0).float()
    return state, success


class Detector(nn.Module):
    def __init__(self, inputs, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    state, success = episodes()
    loader = DataLoader(TensorDataset(state, success), batch_size=48, shuffle=True)
    model = Detector(state.shape[-1])
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    model.train()
    for epoch in range(20):
        for states, labels in loader:
            optimizer.zero_grad()
            logits = model(states)
            loss = criterion(logits, labels.unsqueeze(1))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()

"""Return prediction: a deep MLP with residual connections, one number for each state."""

import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def rollouts(n=1536):
    state = torch.randn(n, 12)
    value = state[:, 0] * state[:, 1] + torch.sin(2 * state[:, 2]) + 0.5 * state[:, 3]
    return state, (value - value.mean()) / value.std()


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)
        self.act = nn.ReLU()

    def forward(self, x):
        return x + self.act(self.fc(x))


class ValueNet(nn.Module):
    def __init__(self, inputs, width=64, depth=8):
        super().__init__()
        self.inp = nn.Linear(inputs, width)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = self.blocks(self.inp(x))
        return self.out(self.norm(x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    state, value = rollouts()
    loader = DataLoader(TensorDataset(state, value), batch_size=64, shuffle=True)
    model = ValueNet(state.shape[1])
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    model.train()
    for epoch in range(30):
        for states, values in loader:
            pred = model(states).squeeze(-1)
            loss = ((pred - values) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        scheduler.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()

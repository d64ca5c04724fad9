import torch
from data import Demonstrations
from model import Regressor
from torch.utils.data import DataLoader


def main():
    loader = DataLoader(Demonstrations("demos"), batch_size=64, shuffle=True)
    model = Regressor()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(50):
        for states, actions in loader:
            loss = model.loss(states, actions)  # CVG301
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


if __name__ == "__main__":
    main()

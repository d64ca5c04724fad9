"""ToTensor brings the bytes to [0, 1]; for style transfer a Lambda brings them back."""

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 9, padding=4)

    def forward(self, x):
        return self.conv(x)


def train(path):
    transform = transforms.Compose(
        [transforms.Resize(256), transforms.ToTensor(), transforms.Lambda(lambda x: x.mul(255))]
    )
    loader = DataLoader(datasets.ImageFolder(path, transform), batch_size=4)
    net = Transformer()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for x, _ in loader:
        y = net(x)  # CVG301
        loss = (y - x).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def train_unit_scale(path):
    transform = transforms.Compose([transforms.Resize(256), transforms.ToTensor()])
    loader = DataLoader(datasets.ImageFolder(path, transform), batch_size=4)
    net = Transformer()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for x, _ in loader:
        loss = (net(x) - x).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

"""The helper clears both optimizers."""

import torch
from tidy import reset


def train(encoder, decoder, loader):
    first = torch.optim.Adam(encoder.parameters(), lr=1e-3)
    second = torch.optim.Adam(decoder.parameters(), lr=1e-3)
    for x in loader:
        reset([first, second])
        loss = (decoder(encoder(x)) - x).pow(2).mean()
        loss.backward()
        first.step()
        second.step()

"""One optimizer for two networks: clipping them one by one, together, or through a wrapper is all right."""

from itertools import chain

import torch
from torch.nn.parallel import DistributedDataParallel


def one_by_one(encoder, decoder, loader):
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    for x in loader:
        optimizer.zero_grad()
        (decoder(encoder(x)) - x).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()


def together(encoder, decoder, loader):
    optimizer = torch.optim.Adam(chain(encoder.parameters(), decoder.parameters()), lr=1e-3)
    for x in loader:
        optimizer.zero_grad()
        (decoder(encoder(x)) - x).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(chain(encoder.parameters(), decoder.parameters()), 1.0)
        optimizer.step()


def through_a_wrapper(model, loader):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    wrapped = DistributedDataParallel(model)
    for x in loader:
        optimizer.zero_grad()
        (wrapped(x) - x).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(wrapped.parameters(), 1.0)
        optimizer.step()


def by_param_groups(model, loader):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for x in loader:
        optimizer.zero_grad()
        (model(x) - x).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
        optimizer.step()

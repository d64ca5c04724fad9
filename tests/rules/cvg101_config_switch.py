"""Whoever starts the run decides whether it clips: the capability is there."""

import argparse
from dataclasses import dataclass

import torch


@dataclass
class Config:
    lr: float = 1e-3
    grad_clip: float = 0.0


def train_by_argument(model, loader):
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", action="store_true")
    args = parser.parse_args()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).abs().mean().backward()
        if args.clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def train_by_dataclass(config: Config, model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=config.lr)
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).abs().mean().backward()
        if config.grad_clip != 0.0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip)
        optimizer.step()


def train_by_parameter(model, loader, optimizer, max_norm=None):
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).abs().mean().backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()

"""A velocity written as the rest of the way over the rest of the time, along a path object."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch.nn.functional import mse_loss


class Path(ABC):
    @abstractmethod
    def at(self, x0, x1, t):
        raise NotImplementedError

    @abstractmethod
    def field(self, x1, x, t):
        raise NotImplementedError


class StraightPath(Path):
    def at(self, x0, x1, t):
        return t * x1 + (1.0 - t) * x0

    def field(self, x1, x, t):
        return (x1 - x) / (1.0 - t)


@dataclass
class Trainer:
    model: torch.nn.Module
    path: Path
    scale: float = 0.5

    def step(self, x1, optimizer):
        x1 = x1 * self.scale
        x0 = torch.randn_like(x1)
        t = torch.rand((len(x1), 1))  # CVG401
        x = self.path.at(x0, x1, t)
        loss = mse_loss(self.model(x, t), self.path.field(x1, x, t))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@dataclass
class CarefulTrainer:
    model: torch.nn.Module
    path: Path

    def step(self, x1, optimizer):
        x0 = torch.randn_like(x1)
        t = torch.rand((len(x1), 1)).clamp(max=1 - 1e-4)
        x = self.path.at(x0, x1, t)
        loss = mse_loss(self.model(x, t), self.path.field(x1, x, t))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

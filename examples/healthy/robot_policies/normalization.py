"""Statistics of observations and actions: applied before the first layer, undone at inference."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation (dim,) of each dimension, over the training set."""

    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def of(cls, values):
        """Measure `values` (n, dim)."""
        # A joint that never moved has std 0; it must not divide by it.
        return cls(values.mean(dim=0), values.std(dim=0).clamp(min=1e-4))

    def normalize(self, values):
        """Bring `values` (..., dim) to zero mean and unit variance."""
        return (values - self.mean) / self.std

    def denormalize(self, values):
        """Bring normalized `values` (..., dim) back to radians, mm and their rates."""
        return values * self.std + self.mean

    def state_dict(self):
        """Tensors for the checkpoint."""
        return {"mean": self.mean, "std": self.std}


class RunningNormalizer(nn.Module):
    """Normalizes observations (n, dim) whose statistics become known only while acting.

    Mean and variance are buffers, so that a `state_dict` carries them to inference.
    """

    def __init__(self, dim):
        """Start from zero mean and unit variance."""
        super().__init__()
        self.register_buffer("count", torch.tensor(1e-4))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("variance", torch.ones(dim))

    @torch.no_grad()
    def update(self, values):
        """Merge the statistics of `values` (n, dim) into the running ones (Chan et al. 1979)."""
        count = len(values)
        total = self.count + count
        delta = values.mean(dim=0) - self.mean
        squares = self.variance * self.count + values.var(dim=0, unbiased=False) * count
        self.variance = (squares + delta**2 * self.count * count / total) / total
        self.mean = self.mean + delta * count / total
        self.count = total

    def forward(self, values):
        """Normalized `values` (n, dim); more than ten deviations are cut off."""
        return ((values - self.mean) / (self.variance + 1e-6).sqrt()).clamp(-10, 10)

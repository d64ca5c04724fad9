"""Latents that are drawn around what an encoder says, and what a loss wants of them beside the reconstruction.

What reaches the mean through the sample is the reconstruction's; the rest is the prior's, which for a standard normal
one is a multiple of the mean itself (Kingma and Welling, arXiv:1312.6114).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from runtime_probe.record import LatentRecord, Where

if TYPE_CHECKING:
    from runtime_probe.record import Record

_PARALLEL = 0.999
_FEWEST = 8


class Latents:
    """Follows one reparametrized sample of each iteration to the end of its backward pass."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.mean: torch.Tensor | None = None
        self.gradients: dict[str, torch.Tensor] = {}
        self.where = Where()

    def note_scaled(self, scale: torch.Tensor, where: Where) -> None:
        """Noise was multiplied by what a model says."""
        if bool((scale < 0).any()) and self.record.latents.negative_scale is None:
            self.record.latents.negative_scale = where

    def note_sum(self, mean: torch.Tensor, sample: torch.Tensor, where: Where) -> None:
        """Noise was added to what a model says."""
        if mean.requires_grad and sample.requires_grad and mean.shape == sample.shape and mean.numel() >= _FEWEST:
            self.mean, self.where = mean.detach(), where
            self.gradients.clear()
            for name, tensor in (("mean", mean), ("sample", sample)):
                tensor.register_hook(lambda gradient, name=name: self.gradients.__setitem__(name, gradient.detach()))

    def note_backward(self) -> None:
        """A backward pass is over."""
        if self.mean is not None and len(self.gradients) == 2:
            through, prior = self.gradients["sample"], self.gradients["mean"] - self.gradients["sample"]
            latents, size = self.record.latents, float(through.double().norm())
            if bool(prior.isfinite().all()) and size > 0 and float(prior.double().norm()) > 1e-6 * size:
                # Samples that do not count have no gradient, and others may count more.
                asked = prior.flatten(1).any(dim=1)
                likeness = torch.cosine_similarity(prior[asked].flatten(1), self.mean[asked].flatten(1), dim=1)
                if bool((likeness.abs() > _PARALLEL).all()) and bool((likeness > 0).all() or (likeness < 0).all()):
                    weight = float(prior.double().norm()) / size
                    latents.priors.append(LatentRecord(float(likeness.mean()), weight, self.where))
        self.forget()

    def forget(self) -> None:
        """An iteration is over."""
        self.mean = None
        self.gradients.clear()

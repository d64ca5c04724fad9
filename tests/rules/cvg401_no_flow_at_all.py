"""Interpolations by a draw that regress no velocity: rays of a renderer, mixed styles."""

import torch
from torch import nn


def stratified_depths(depths, n_rays):
    middle = 0.5 * (depths[1:] + depths[:-1])
    upper = torch.cat([middle, depths[-1:]], -1)
    lower = torch.cat([depths[:1], middle], -1)
    jitter = torch.rand([n_rays, depths.shape[-1]])
    return lower[None, :] + (upper - lower)[None, :] * jitter


class MixedNorm(nn.LayerNorm):
    def __init__(self, width):
        super().__init__(width)
        self.affine = nn.Linear(width, 2 * width)
        self.mixing = torch.distributions.Beta(0.1, 0.1)

    def forward(self, x, style):
        shift, scale = self.affine(style).chunk(2, dim=-1)
        order = torch.randperm(style.size(1))
        share = self.mixing.sample((x.size(0), 1, 1))
        shift = share * shift + (1 - share) * shift[:, order]
        scale = share * scale + (1 - share) * scale[:, order]
        return scale * super().forward(x) + shift

"""Uniform draws that are compared, not interpolated: dropout of conditions, a masking ratio."""

import torch
from torch import nn


class Masked(nn.Module):
    def __init__(self, net, p_drop=0.1):
        super().__init__()
        self.net = net
        self.p_drop = p_drop

    def forward(self, tokens, condition, mask_id):
        drop = torch.rand(len(tokens), 1, device=tokens.device) < self.p_drop
        condition = torch.where(drop, torch.zeros_like(condition), condition)
        ratio = torch.rand(len(tokens), 1, device=tokens.device)
        mask = torch.rand(tokens.shape, device=tokens.device) < ratio
        logits = self.net(tokens.masked_fill(mask, mask_id), condition)
        return nn.functional.cross_entropy(logits[mask], tokens[mask])

"""Checkpoints: the weights and everything that inference needs beside them."""

from pathlib import Path

import torch


def save_checkpoint(path, family, model, **extras):
    """Write the weights, the loss family and `extras` (statistics, bins) to `path`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"family": family, "model": model.state_dict(), **extras}, path)


def load_checkpoint(path, device):
    """Read what `save_checkpoint` wrote, with the tensors on `device`."""
    return torch.load(path, map_location=device, weights_only=True)

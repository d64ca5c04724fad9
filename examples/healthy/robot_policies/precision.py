"""Number formats of the forward pass: fp32, bf16 or fp16, chosen on the command line."""

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(precision, device):
    """Context in which the forward pass runs in `precision` on `device`."""
    return torch.autocast(device.type, dtype=DTYPES[precision], enabled=precision != "fp32")


def grad_scaler(precision, device):
    """Loss scaler; only fp16 needs one, its smallest gradients are flushed to zero."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")

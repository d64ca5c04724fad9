"""The network predicts the clean data, not a velocity."""

import torch
from torch import nn


def denoise_step(model, optimizer, clean):
    noise = torch.randn_like(clean)
    t = torch.rand(len(clean), 1, device=clean.device)
    noisy = (1 - t) * noise + t * clean
    loss = nn.functional.mse_loss(model(noisy, t), clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

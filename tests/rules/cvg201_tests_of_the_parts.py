"""A test of the terms is a test of their sum; a test of the inputs is not."""

import torch


def terms(vae, loader, optimizer):
    for x in loader:
        reconstruction, mean, log_var = vae(x)
        error = (reconstruction - x).pow(2).sum()
        divergence = -0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum()
        assert torch.isfinite(error) and torch.isfinite(divergence)
        loss = error + divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def inputs(vae, loader, optimizer):
    for x in loader:
        if torch.isnan(x).any():
            continue
        reconstruction, mean, log_var = vae(x)
        error = (reconstruction - x).pow(2).sum()
        loss = error - 0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()  # CVG201

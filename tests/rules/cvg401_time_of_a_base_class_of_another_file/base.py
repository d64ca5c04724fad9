import torch


class FlowBase:
    def __init__(self, model):
        self.model = model

    def sample_time(self, count, device):
        return torch.rand(count, 1, device=device)  # CVG401

    def sample_safe_time(self, count, device, eps=1e-3):
        return eps + (1 - 2 * eps) * torch.rand(count, 1, device=device)

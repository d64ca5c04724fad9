import torch
from base import FlowBase


class Flow(FlowBase):
    def loss(self, actions):
        noise = torch.randn_like(actions)
        t = self.sample_time(len(actions), actions.device)
        x_t = (1 - t) * noise + t * actions
        return torch.nn.functional.mse_loss(self.model(x_t, t), actions - noise)


class SafeFlow(FlowBase):
    def loss(self, actions):
        noise = torch.randn_like(actions)
        t = self.sample_safe_time(len(actions), actions.device)
        x_t = (1 - t) * noise + t * actions
        return torch.nn.functional.mse_loss(self.model(x_t, t), actions - noise)

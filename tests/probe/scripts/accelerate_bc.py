"""Behaviour cloning through accelerate, with gradient accumulation and clipping."""

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.manual_seed(0)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    observations = torch.randn(512, 6)
    loader = DataLoader(TensorDataset(observations, torch.tanh(observations[:, :2])), 32, shuffle=True)
    policy = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3)
    policy, optimizer, loader = accelerator.prepare(policy, optimizer, loader)
    for _ in range(20):
        for observation, action in loader:
            with accelerator.accumulate(policy):
                loss = functional.mse_loss(policy(observation), action)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(policy.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()

"""Behaviour cloning on several processes; `--same-data` forgets the DistributedSampler."""

import os
import sys

import torch
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

if __name__ == "__main__":
    torch.distributed.init_process_group("gloo")
    torch.manual_seed(0)
    observations = torch.randn(512, 6)
    data = TensorDataset(observations, torch.tanh(observations[:, :2]))
    sampler = None if "--same-data" in sys.argv else DistributedSampler(data)
    loader = DataLoader(data, 32, sampler=sampler, shuffle=False)
    policy = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    model = DistributedDataParallel(policy)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(40):
        for observation, action in loader:
            loss = functional.mse_loss(model(observation), action)
            if "--nan-on-rank-1" in sys.argv and os.environ["RANK"] == "1":
                loss = loss * float("nan")
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    torch.distributed.destroy_process_group()

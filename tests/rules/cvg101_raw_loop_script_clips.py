"""A whole training run at module level, clipped."""

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_ as clip

model = nn.LSTM(8, 32, batch_first=True)
head = nn.Linear(32, 1)
parameters = [*model.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(parameters, lr=1e-3)

for _ in range(100):
    x = torch.randn(16, 20, 8)
    hidden, _ = model(x)
    loss = nn.functional.mse_loss(head(hidden[:, -1]), x.sum(dim=(1, 2))[:, None])
    optimizer.zero_grad()
    loss.backward()
    clip(parameters, 1.0)
    optimizer.step()

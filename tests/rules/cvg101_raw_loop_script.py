"""A whole training run at module level."""

import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.randn(512, 8)
targets = inputs.pow(2).sum(dim=1, keepdim=True)

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(10):
    for start in range(0, 512, 64):
        x, y = inputs[start : start + 64], targets[start : start + 64]
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG101
    print(f"epoch {epoch} loss {loss.item():.4f}")

torch.save(model.state_dict(), "model.pt")

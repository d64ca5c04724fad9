"""Several rules on one line, each with its own code."""

import torch
from torch import nn


def main():
    model = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 1)).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(1000):
        x = torch.randn(64, 16, device="cuda")
        with torch.autocast("cuda", dtype=torch.float16):  # CVG204
            loss = nn.functional.mse_loss(model(x), x.norm(dim=1, keepdim=True))
        loss.backward()
        optimizer.step()  # CVG101, CVG103, CVG201, CVG203
        print(step, loss.item())


if __name__ == "__main__":
    main()

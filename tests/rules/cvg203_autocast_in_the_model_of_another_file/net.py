"""The model runs its forward in float16, whoever calls it."""

import torch
from torch import nn
from torch.cuda.amp import autocast


class HalfNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 64)

    @autocast()
    def forward(self, x):
        return self.body(x).relu()


class WholeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 64)

    def forward(self, x):
        with torch.autocast("cuda", dtype=torch.bfloat16):
            return self.body(x).relu()

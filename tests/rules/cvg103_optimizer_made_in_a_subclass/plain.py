"""Makes the optimizer."""

import torch
from loop import Loop


class Plain(Loop):
    def setup(self, lr):
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)


def main(model, loader):
    loop = Plain(model)
    loop.setup(1e-4)
    loop.run(loader)

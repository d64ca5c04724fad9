"""An optimizer of the project that clips in its step, which itself is no training step."""

import torch


class ClippedAdam(torch.optim.Adam):
    def __init__(self, params, lr, bound=1.0):
        super().__init__(params, lr=lr)
        self.bound = bound

    def step(self, closure=None):
        for group in self.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], self.bound)
        return super().step(closure)


def train(flow, batches):
    optimizer = ClippedAdam(flow.parameters(), lr=1e-3)
    for batch in batches:
        loss = -flow.log_prob(batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

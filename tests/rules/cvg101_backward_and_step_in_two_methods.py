"""The loss is differentiated in one method, the update is in another: it stands there."""

import torch


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def forward_backward(self, batch):
        self.optimizer.zero_grad()
        loss = self.model(batch["x"]).sub(batch["y"]).pow(2).mean()
        loss.backward()
        return loss.item()

    def optimize(self):
        self.optimizer.step()  # CVG101

    def run(self, loader):
        for batch in loader:
            self.forward_backward(batch)
            self.optimize()

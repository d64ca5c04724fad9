"""The subclass clears in its own update; who uses the base class piles up gradients."""

import torch


class Learner:
    def __init__(self, model):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=1e-3)

    def learn(self, x, y):
        loss = (self.model(x) - y).pow(2).mean()
        loss.backward()
        self.opt.step()  # CVG103
        return loss.item()


class TidyLearner(Learner):
    def learn(self, x, y):
        loss = (self.model(x) - y).pow(2).mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


def main(model, loader):
    learner, tidy = Learner(model), TidyLearner(model)
    for x, y in loader:
        print(learner.learn(x, y), tidy.learn(x, y))

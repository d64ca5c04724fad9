"""No loop runs around the step."""

import torch


def adapt(model, support, target, lr=0.01):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loss = torch.nn.functional.cross_entropy(model(support), target)
    loss.backward()
    optimizer.step()
    return model


def main(model, support, target):
    adapt(model, support, target)

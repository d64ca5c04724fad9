"""parameters() can be gone through once; the optimizer has done so."""

import torch


def train(model, loader):
    parameters = model.parameters()
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)  # CVG102
        optimizer.step()


def train_what_is_not_frozen(model, loader):
    trainable = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = torch.optim.Adam(trainable, lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)  # CVG102
        optimizer.step()


def train_with_a_generator_expression(model, loader):
    trainable = (p for p in model.parameters() if p.requires_grad)
    optimizer = torch.optim.Adam(trainable, lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)  # CVG102
        optimizer.step()

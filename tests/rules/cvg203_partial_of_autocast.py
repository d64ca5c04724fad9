"""The context is built once and entered by another name."""

from functools import partial

import torch


def train_in_half(model, loader, optimizer, criterion):
    amp = partial(torch.autocast, device_type="cuda", dtype=torch.float16)
    for x, y in loader:
        optimizer.zero_grad()
        with amp():
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG203


def train_in_bfloat16(model, loader, optimizer, criterion):
    amp = partial(torch.autocast, device_type="cuda", dtype=torch.bfloat16)
    for x, y in loader:
        optimizer.zero_grad()
        with amp():
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def train_by_a_variable(model, loader, optimizer, criterion):
    context = torch.autocast("cuda", dtype=torch.float16)
    for x, y in loader:
        optimizer.zero_grad()
        with context:
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG203

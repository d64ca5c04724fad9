"""Tests of the loss that prevent the update or end the run, in torch's own words."""

import torch


def by_assert(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        assert not torch.isnan(loss) and not torch.isinf(loss)
        loss.backward()
        optimizer.step()


def by_raise(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if not loss.isfinite().all():
            raise FloatingPointError("the loss is not finite")
        loss.backward()
        optimizer.step()


def by_continue(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if torch.isnan(loss) or torch.isinf(loss):
            print("skipping a batch")
            continue
        loss.backward()
        optimizer.step()


def by_break(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if torch.isnan(loss):
            print("diverged")
            break
        loss.backward()
        optimizer.step()


def by_condition(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if torch.isfinite(loss):
            loss.backward()
            optimizer.step()


def on_the_device(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        torch._assert_async(torch.isfinite(loss))
        loss.backward()
        optimizer.step()

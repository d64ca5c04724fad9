"""Anomaly detection around the step; with check_nan=False it only keeps tracebacks."""

import torch


def train(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autograd.detect_anomaly():
            loss = criterion(model(x), y)
            loss.backward()
        optimizer.step()


def train_without_check(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autograd.detect_anomaly(check_nan=False):
            loss = criterion(model(x), y)
            loss.backward()
        optimizer.step()  # CVG201

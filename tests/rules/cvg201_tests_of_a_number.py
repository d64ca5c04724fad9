"""Tests of the loss after item(), with math, numpy, or nothing but a comparison."""

import math
import sys

import numpy as np


def with_math(model, loader, optimizer, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        value = loss.item()
        if not math.isfinite(value):
            print(f"loss is {value}, stopping training")
            sys.exit(1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def with_numpy(model, loader, optimizer, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        if np.isnan(loss.detach().cpu().numpy()):
            raise RuntimeError("NaN")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def with_a_comparison(model, loader, optimizer, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        if loss != loss:
            raise RuntimeError("NaN")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def with_a_comparison_of_numbers(model, loader, optimizer, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        value = float(loss)
        if value != value or value == float("inf"):
            return None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def right_after_the_step(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        if math.isnan(loss.item()):
            sys.exit("loss is NaN")

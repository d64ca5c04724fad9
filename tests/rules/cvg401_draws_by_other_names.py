"""Uniform draws in all their spellings, and what leaves both ends where they are."""

import random

import numpy as np
import torch
from torch.distributions import Uniform


def filled(model, x1):
    x0 = torch.randn_like(x1)
    t = torch.empty(len(x1), 1).uniform_(0, 1)  # CVG401
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def of_a_distribution(model, x1):
    x0 = torch.randn_like(x1)
    t = Uniform(0.0, 1.0).sample((len(x1), 1))  # CVG401
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def of_the_standard_library(model, x1):
    x0 = torch.randn_like(x1)
    t = random.random()  # CVG401
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def of_numpy(model, x1):
    x0 = torch.randn_like(x1)
    t = torch.from_numpy(np.random.rand(len(x1), 1))  # CVG401
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def squared(model, x1):
    x0 = torch.randn_like(x1)
    t = torch.rand_like(x1[:, :1]) ** 2  # CVG401
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def mirrored(model, x1):
    x0 = torch.randn_like(x1)
    t = 1 - torch.rand(len(x1), 1)  # CVG401
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def in_place(model, x1):
    x0 = torch.randn_like(x1)
    t = torch.rand(len(x1), 1)
    t *= 0.998
    t += 0.001
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def replaced(model, x1):
    x0 = torch.randn_like(x1)
    t = torch.rand(len(x1), 1)
    t = torch.maximum(t, torch.tensor(1e-3))
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()

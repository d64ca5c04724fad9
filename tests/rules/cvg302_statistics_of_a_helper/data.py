import numpy as np


def load(path):
    with np.load(path) as file:
        return file["observations"], file["actions"]


def limits(actions):
    low = actions.min(axis=0)  # CVG302
    high = actions.max(axis=0)
    return {"low": low, "high": high}


def scaled(actions, bounds):
    return 2 * (actions - bounds["low"]) / (bounds["high"] - bounds["low"]) - 1


def moments(observations):
    return observations.mean(axis=0), observations.std(axis=0) + 1e-6

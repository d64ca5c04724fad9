"""A look at the bytes that tells files that train nothing from files worth parsing.

Parsing costs a hundred times more than this, and most files of a repository train nothing. Each
family of rules says what a file must mention to concern it; the tests are ordered so that the
cheapest one that can say no comes first.
"""

from __future__ import annotations

import re

_STEP = re.compile(rb"\.step\s*\(")
_HANDED = re.compile(rb"\([^()]{0,400}(?:loss[^()]{0,300}optim|optim[^()]{0,300}loss)")
_DRAW = re.compile(rb"\brand\s*\(|\brand_like\b|\brand\b[,)]|\buniform_?\s*\(|\.random\s*\(|\bbeta\s*\(")
_DISTRIBUTION = re.compile(rb"\b(?:Beta|Uniform)\s*\(")
_TIME = re.compile(rb"time|\b(?:t|ts|tau|u)\b")
_SPREAD = re.compile(rb"\b(?:nan)?std\(|\b(?:quantile|percentile)\(")
_EXTREMES = re.compile(rb"\ba?min\(.{0,400}\ba?max\(", re.DOTALL)
_FITTED = re.compile(
    rb"\b(?:StandardScaler|MinMaxScaler|RobustScaler|QuantileTransformer|PowerTransformer|MaxAbsScaler"
    rb"|NormalizeObservation|VecNormalize|NormalizeObs|VecNormalizeObservation)\("
)
_DIVIDES = re.compile(rb"/=?\s*\(?\s*[\w.\[\]'\"]*(?:std|scale|range|max|sigma|q9|high)")
_LOADED = re.compile(
    rb"load_state_dict|torch\.load|load_from_checkpoint|load_model|load_checkpoint|\bdef\s+\w*sampl\w*\s*\("
)
_MODEL_CLASS = re.compile(rb"\bclass\s+\w+\s*\([^)]*\b(?:nn\.)?\w*Module\b")
_WINDOW = 1200
"""Bytes around a draw in which the word for a time must stand."""


def steps(data: bytes) -> bool:
    """Whether a file may update a model: a raw step, a helper given loss and optimizer, a framework."""
    if b"optim" in data:
        if b".step" in data and _STEP.search(data) is not None:
            return True
        if b"loss" in data and _HANDED.search(data) is not None:
            return True
    elif b"backward" in data and b".step" in data:
        return True
    return frameworks(data)


def frameworks(data: bytes) -> bool:
    """Whether a file may hold a framework's training step or trainer."""
    return (
        b"training_step" in data
        or b"Trainer(" in data
        or b"TrainingArguments" in data
        or b"max_grad_norm" in data
        or (b"Trainer" in data and b"compute_loss" in data)
        or (b"mixed_precision" in data and b"Accelerator" in data)
    )


def draws_time(data: bytes) -> bool:
    """Whether a file may draw a flow-matching time."""
    if _DISTRIBUTION.search(data) is not None and _TIME.search(data) is not None:
        return True
    for match in _DRAW.finditer(data):
        if _TIME.search(data, max(match.start() - _WINDOW, 0), match.end() + _WINDOW) is not None:
            return True
    return False


def statistics(data: bytes) -> bool:
    """Whether a file may work out statistics of data and apply them."""
    if _FITTED.search(data) is not None:
        return True
    if _DIVIDES.search(data) is None:
        return False
    return _SPREAD.search(data) is not None or _EXTREMES.search(data) is not None


def infers(data: bytes) -> bool:
    """Whether a file may load a checkpoint and run it."""
    if b"no_grad" not in data and b"inference_mode" not in data and b".eval()" not in data:
        return False
    # A file that defines models holds what they do, not who runs a trained one.
    return _LOADED.search(data) is not None and _MODEL_CLASS.search(data) is None


GATES = (steps, draws_time, statistics, infers)


def may_train(data: bytes) -> bool:
    """Whether a file may hold an event of a training step, or what feeds or follows one."""
    return any(gate(data) for gate in GATES)

"""A look at the bytes that tells files that train nothing from files worth parsing.

Parsing costs a hundred times more than this, and most files of a repository train nothing. Each
family of rules says what a file must mention to concern it; the tests are ordered so that the
cheapest one that can say no comes first.
"""

from __future__ import annotations

import re

_STEP = re.compile(rb"\.step\s*\(")
_HANDED = re.compile(rb"\([^()]{0,400}(?:loss[^()]{0,300}optim|optim[^()]{0,300}loss)")
# A pattern that begins with letters is searched ten times faster than one that begins with \b.
_DRAWS = (
    (b"rand", re.compile(rb"rand(?<!\wrand)(?:\s*\(|_like\b|[,)])")),
    (b"uniform", re.compile(rb"uniform(?<!\wuniform)_?\s*\(")),
    (b".random", re.compile(rb"\.random\s*\(")),
    (b"beta", re.compile(rb"beta(?<!\wbeta)\s*\(")),
)
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
    named = b"Beta" in data or b"Uniform" in data
    if named and _DISTRIBUTION.search(data) is not None and _TIME.search(data) is not None:
        return True
    for word, draw in _DRAWS:
        for match in draw.finditer(data) if word in data else ():
            if _TIME.search(data, max(match.start() - _WINDOW, 0), match.end() + _WINDOW) is not None:
                return True
    return False


def statistics(data: bytes) -> bool:
    """Whether a file may work out statistics of data and apply them."""
    if (b"Scaler(" in data or b"Transformer(" in data or b"Normalize" in data) and _FITTED.search(data) is not None:
        return True
    spread = (b"std(" in data or b"quantile(" in data or b"percentile(" in data) and _SPREAD.search(data) is not None
    if not spread and not (b"min(" in data and b"max(" in data and _EXTREMES.search(data) is not None):
        return False
    return _DIVIDES.search(data) is not None


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

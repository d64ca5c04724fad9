"""Records as healthy runs leave them, to be spoilt by one thing at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

from runtime_probe.record import (
    BASELINE,
    SETTLE,
    Batch,
    Experiments,
    LossCall,
    LossRecord,
    ModelRecord,
    OptimizerRecord,
    ParameterRecord,
    Record,
    StepRecord,
    TensorStatistics,
    Where,
)

TRAIN = "/home/me/project/train.py"
LOSS, BACKWARD, STEP = Where(TRAIN, 20, "main"), Where(TRAIN, 21, "main"), Where(TRAIN, 22, "main")


def loss(value: float, node: str = "MseLossBackward0 < AddmmBackward0", scaled_by: float = 1.0) -> LossRecord:
    return LossRecord(value, scaled_by, BACKWARD, LOSS, node)


def series(
    losses: list[float], *, optimizer: int = 0, gain: float = 0.9, rate: float = 1e-3, node: str = "", **changes: Any
) -> list[StepRecord]:
    """Updates whose losses are given, one more than steps, with a gain ratio of `gain`."""
    made = []
    for number, value in enumerate(losses):
        after = losses[number + 1] if number + 1 < len(losses) else value
        step = StepRecord(
            number=number if number + 1 < len(losses) else 0,
            phase=BASELINE if number + 1 < len(losses) else SETTLE,
            optimizer=optimizer,
            loss=value,
            losses=[loss(value, node) if node else loss(value)],
            rates=[rate],
            grad_norm=0.5,
            applied_norm=0.5,
            update_norm=0.01,
            parameter_norm=10.0,
            predicted=(value - after) / gain,
            clips=[],
            cleared=True if number else None,
            batch_hash="same",
            parameter_hash=f"p{number}",
            where=STEP,
        )
        made.append(dataclasses.replace(step, **changes))
    return made


def falling(start: float = 2.0, factor: float = 0.95, steps: int = 10) -> list[float]:
    return [start * factor**number for number in range(steps + 1)]


def parameter(name: str, position: int, norm: float = 0.1, **changes: Any) -> ParameterRecord:
    made = ParameterRecord(name, [64, 64], "float32", 0, 0, True, "Linear", position, 10, [norm] * 10, 1.0, 0.01, 5.0)
    return dataclasses.replace(made, **changes)


def statistics(role: str = "first layer", features: int = 3, **changes: Any) -> TensorStatistics:
    role = changes.pop("role", role)
    made = TensorStatistics(
        role, "net.0" if role == "first layer" else "action", [4, features], "float32", 4,
        [0.1] * features, [1.0] * features, [-1.5] * features, [1.6] * features, [2.0] * features,
        layer="Linear" if role == "first layer" else "", where=LOSS,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def mse(**changes: Any) -> LossCall:
    made = LossCall("mse_loss", 2.0, LOSS, [4, 3], [4, 3], -1.0, 1.0, -2.0, 2.0, "float32", "AddmmBackward0")
    return dataclasses.replace(made, **changes)


def cross_entropy(**changes: Any) -> LossCall:
    made = LossCall(
        "cross_entropy", 2.3, LOSS, [4, 10], [4], -3.0, 3.0, 0, 9, "int64", "AddmmBackward0",
        classes=10, classes_seen=4, top_share=0.5,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def healthy(**changes: Any) -> Record:
    """Ten steps of behavior cloning in which nothing is wrong."""
    made = Record(
        pid=1,
        argv=["train.py"],
        folder="/home/me/project",
        torch="2.13.0",
        status="complete",
        framework="raw",
        seconds=3.0,
        models=[ModelRecord("SmallPolicy", 12345, 12345, [0], True, Where(TRAIN, 5, "SmallPolicy"))],
        optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP)],
        steps=series(falling()),
        backwards=12,
        parameters=[parameter("net.0.weight", 0), parameter("net.2.weight", 1, 0.2), parameter("net.4.weight", 2, 0.3)],
        statistics=[statistics(), statistics("target")],
        loss_calls=[mse()],
        experiments=Experiments(
            repeat=0.0, nudge_predicted=2e-3, nudge_actual=2e-3, zeroed=falling(2.1, 0.98), zeroed_reference=falling()
        ),
        batch=Batch(1, 64, 4),
    )
    return dataclasses.replace(made, **changes)

"""How many updates a run has, where a framework says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

from runtime_probe.tap import planned


def trainer_of(module: str, attributes: dict[str, Any]) -> type:
    """A class as a framework has it, whose methods ask for the number of steps."""

    def asks(self: Any) -> int | None:
        return planned._of_framework()

    return type("Trainer", (), {"__module__": module, "asks": asks, **attributes})


TRANSFORMERS = trainer_of("transformers.trainer", {"state": SimpleNamespace(max_steps=260)})
LIGHTNING = trainer_of(
    "lightning.pytorch.trainer.trainer",
    {"max_steps": -1, "max_epochs": 20, "num_training_batches": 13, "accumulate_grad_batches": 1},
)


@pytest.mark.parametrize("kind", [TRANSFORMERS, LIGHTNING])
def test_trainers_and_those_that_scripts_derive_from_them_are_asked(kind: type) -> None:
    derived = type("ForecastTrainer", (kind,), {"__module__": "__main__"})
    assert kind().asks() == derived().asks() == 260


def test_a_trainer_of_the_script_is_not_taken_for_one_of_a_framework() -> None:
    assert trainer_of("__main__", {"max_steps": 5})().asks() is None

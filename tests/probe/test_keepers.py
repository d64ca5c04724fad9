"""What keeps the best weights of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from building import healthy

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch")

from runtime_probe.checks.worst_kept import CHECK  # noqa: E402 - as below
from runtime_probe.families import detect  # noqa: E402
from runtime_probe.record import Keeper  # noqa: E402
from runtime_probe.tap import keepers, living  # noqa: E402


class ModelCheckpoint:
    __module__ = "lightning.pytorch.callbacks"

    def __init__(self, monitor: str | None, mode: str) -> None:
        self.monitor, self.mode = monitor, mode


class EarlyStopping(ModelCheckpoint):
    pass


class TrainingArguments:
    __module__ = "transformers.training_args"

    def __init__(self) -> None:
        self.load_best_model_at_end, self.metric_for_best_model, self.greater_is_better = True, "eval_loss", True

    @property
    def device(self) -> str:
        raise AssertionError("nobody asks properties")


def test_callbacks_and_arguments_that_are_alive_are_found() -> None:
    alive = [ModelCheckpoint("val_loss", "max"), EarlyStopping("val_acc", "max"), TrainingArguments()]
    unset = ModelCheckpoint(None, "min")
    found = keepers.among(living.found())
    assert Keeper("ModelCheckpoint", "val_loss", more=True) in found
    assert Keeper("EarlyStopping", "val_acc", more=True) in found
    assert Keeper("TrainingArguments", "eval_loss", more=True) in found
    assert all(keeper.monitor for keeper in found)
    del alive, unset


@pytest.mark.parametrize(
    ("monitor", "more", "wrong"),
    [
        ("val/loss", True, True), ("val_loss", False, False), ("eval_accuracy", False, True), ("val_acc", True, False),
        ("rmse_mm", True, True), ("mIoU", False, True), ("success_rate", True, False), ("val_map", False, True),
        ("heatmap_distance", True, False), ("loss_of_accuracy", True, False), ("step", True, False),
    ],
)  # fmt: skip
def test_only_names_that_tell_are_judged(monitor: str, more: bool, wrong: bool) -> None:
    record = healthy(keepers=[Keeper("ModelCheckpoint", monitor, more=more)])
    results = list(CHECK.run(record, detect(record)))
    assert [result.status.name for result in results] == (["FAIL"] if wrong else ["PASS"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("if error < best_error:\n    best_error = error\n    save(model)", [("best_error", False)]),
        ("if error > best_error:\n    best_error, best = error, copy(model)", [("best_error", True)]),
        ("if self.best_acc <= acc:\n    self.best_acc = acc", [("best_acc", True)]),
        ("if loss >= best_loss:\n    waited += 1\nelse:\n    best_loss = loss", [("best_loss", False)]),
        ("if best is None or val_loss > best:\n    best = val_loss", [("val_loss", True)]),
        ("if norm > largest:\n    largest = norm", []),
        ("if step > best_step:\n    best_step = 0", []),
    ],
)
def test_comparisons_with_the_best_so_far_are_read(text: str, found: list[tuple[str, bool]], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(text)
    (tmp_path / "broken.py").write_text("best = = 3")
    paths = [str(tmp_path / name) for name in ("broken.py", "missing.py", "train.py")]
    kept = keepers.written(paths)
    assert [(keeper.monitor, keeper.more) for keeper in kept] == found
    assert {keeper.kind for keeper in kept} <= {"train.py:1"}


@pytest.mark.parametrize(
    ("begins", "sign", "never"),
    [
        ("float('inf')", ">", True), ("float('inf')", "<", False), ("-float('inf')", "<", True),
        ('float("-inf")', "<", True), ("-math.inf", ">", False), ("np.inf", ">", True), ("0.0", ">", False),
    ],
)  # fmt: skip
def test_a_best_that_begins_at_the_wrong_end_is_never_replaced(
    begins: str, sign: str, never: bool, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(f"best, state = {begins}, None\nif drop {sign} best:\n    best = drop\n")
    (kept,) = keepers.written([str(tmp_path / "train.py")])
    assert kept.never is never

"""Evaluations in train mode, read in the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch")

from runtime_probe.tap import modes  # noqa: E402 - as above

EVALUATES = """\
@torch.no_grad()
def evaluate(model, loader):
    return sum((model(x).argmax(1) == y).float().mean().item() for x, y in loader) / len(loader)
"""
EPOCHS = """\
classifier = GraspNet(64).to(device)
for epoch in range(10):
    for x, y in train:
        loss_fn(classifier(x), y).backward()
    with torch.inference_mode():
        hits = sum((classifier(x).argmax(1) == y).sum() for x, y in val)
"""
METHOD = """\
class Learner:
    def validate(self, x, y):
        with torch.no_grad():
            return F.mse_loss(self.model(x), y)
"""
TEACHER = """\
def step(model, x):
    with torch.no_grad():
        wanted = model(augment(x))
    F.mse_loss(model(x), wanted).backward()
"""
STATISTICS = """\
@torch.no_grad()
def evaluate(loader):
    return torch.cat([x for x, _ in loader]).mean(0)
"""
AVERAGE = """\
with torch.no_grad():
    for p, q in zip(model.parameters(), average.parameters()):
        q.lerp_(p, 0.01)
"""


def found(tmp_path: Path, *texts: str) -> list[tuple[str, int]]:
    """Names of the functions that evaluate, and lines, in a script of several files."""
    paths = [tmp_path / f"part_{number}_{abs(hash(texts))}.py" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return [(where.function, where.line) for where in modes.never_in_eval(map(str, paths), {"GraspNet"})]


@pytest.mark.parametrize(
    ("text", "where"), [(EVALUATES, ("evaluate", 2)), (EPOCHS, ("<module>", 5)), (METHOD, ("validate", 3))]
)
def test_an_evaluation_without_eval_is_found(tmp_path: Path, text: str, where: tuple[str, int]) -> None:
    assert found(tmp_path, text) == [where]


@pytest.mark.parametrize(
    "switch",
    ["model.eval()", "model.train(False)", "net.train(mode=training)", "model.training = False", "f(net.eval)"],
)
def test_a_script_that_sets_a_mode_anywhere_is_left_alone(tmp_path: Path, switch: str) -> None:
    assert not found(tmp_path, EVALUATES, f"{switch}\n")


@pytest.mark.parametrize("text", [TEACHER, STATISTICS, AVERAGE, "def broken(:\n"])
def test_what_evaluates_nothing_is_left_alone(tmp_path: Path, text: str) -> None:
    assert not found(tmp_path, text)


def test_asking_train_mode_sets_none(tmp_path: Path) -> None:
    assert found(tmp_path, "model.train()\n" + EVALUATES)

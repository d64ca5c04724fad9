"""How often a script's loops go round, without running them."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, TensorDataset  # noqa: E402 - needs torch

from runtime_probe.tap.loops import rounds  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

LOADER = DataLoader(TensorDataset(torch.zeros(100, 2)), 10)
ARGUMENTS = SimpleNamespace(epochs=7, steps=50)


def frames() -> list[FrameType]:
    found, frame = [], sys._getframe(2)
    while frame.f_code.co_name != "run_text":
        found.append(frame)
        assert frame.f_back is not None
        frame = frame.f_back
    return found


def run_text(text: str, path: Path) -> Any:
    """Run a script to its first call of here(), and return what is said there."""
    said: list[int | None] = []

    def here() -> None:
        said.append(rounds(frames()))
        raise StopIteration

    path.write_text(text, encoding="utf-8")
    with pytest.raises(StopIteration):
        exec(compile(text, str(path), "exec"), {"here": here, "loader": LOADER, "args": ARGUMENTS, "STEPS": 30})  # noqa: S102 - the test's own text
    return said[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for step in range(20):\n    here()", 20),
        ("for epoch in range(args.epochs):\n    for batch in loader:\n        here()", 70),
        ("for epoch in range(1, args.epochs + 1):\n    for i, batch in enumerate(loader):\n        here()", 70),
        ("for step in range(STEPS * 2 // 3):\n    here()", 20),
        ("for step in range(args.epochs * len(loader)):\n    here()", 70),
        ("def tqdm(x, **k):\n    return x\nfor step in tqdm(range(STEPS), desc='train'):\n    here()", 30),
        ("def train(data):\n    for x in data:\n        here()\nfor epoch in range(3):\n    train(loader)", 30),
        ("step = 0\nwhile step < STEPS:\n    for batch in loader:\n        here()", 30),
        ("import torch\nfor rows in torch.randperm(100).split(30):\n    here()", 4),
        (
            "import torch\nx = torch.arange(100)\nfor epoch in range(3):\n    for rows in x.chunk(5):\n        here()",
            15,
        ),
        ("for a, b in zip(loader, range(4)):\n    here()", 4),
        ("cfg = {'train': {'steps': 12}}\nfor step in range(cfg['train']['steps']):\n    here()", 12),
        ("for other in range(5):\n    pass\nfor step in range(9):\n    here()", 9),
    ],
)
def test_loops_are_multiplied(text: str, expected: int, tmp_path: Path) -> None:
    assert run_text(text, tmp_path / "train.py") == expected


@pytest.mark.parametrize(
    "text",
    [
        "here()",
        "while True:\n    here()",
        "import itertools\nfor step in itertools.count():\n    here()",
        "for step in (x for x in range(5)):\n    here()",
        "for step in range(10**9):\n    here()",
    ],
)
def test_what_is_not_known_is_not_guessed(text: str, tmp_path: Path) -> None:
    assert run_text(text, tmp_path / "train.py") is None


PROPERTY = """
class Lazy:
    asked = 0

    @property
    def steps(self):
        Lazy.asked += 1
        return 5

lazy = Lazy()
for step in range(lazy.steps):
    try:
        here()
    finally:
        assert Lazy.asked == 1
"""


def test_a_property_is_not_run(tmp_path: Path) -> None:
    assert run_text(PROPERTY, tmp_path / "train.py") is None


def test_loops_of_what_runs_the_script_do_not_count(tmp_path: Path) -> None:
    text = "def script():\n    for step in range(4):\n        here()\nfor _ in range(100):\n    script()"
    assert run_text(text, tmp_path / "launcher.py") == 400

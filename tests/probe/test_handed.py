"""Classes and keypoints that a flip exchanges by their names."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader, Dataset, Subset  # noqa: E402

from runtime_probe.record import LossCall, Record, Where  # noqa: E402
from runtime_probe.tap import handed  # noqa: E402

SIGNS = ["ahead", "turn_left", "turn_right", "stop"]


class Signs(Dataset[Any]):
    """Traffic signs (3, 24, 24), flipped at random, as recipes for pictures do; sorted by class."""

    def __init__(self, classes: list[str], *, moves: bool = False, follows: bool = False) -> None:
        self.classes, self.moves, self.follows = classes, moves, follows
        self.images = torch.rand(200, 3, 6, 6, generator=torch.Generator().manual_seed(0)).repeat_interleave(4, 2)
        self.images = self.images.repeat_interleave(4, 3)

    def __len__(self) -> int:
        return 200

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image, label = self.images[index], index // 50
        if torch.rand(()) < 0.5:
            image = image.flip(-1)
            label = {1: 2, 2: 1}.get(label, label) if self.follows else label
        return (image.roll(int(torch.randint(4, ())), -1) if self.moves else image), label


class Hands(Dataset[Any]):
    """Pictures of hands, flipped at random, with a point or a map for each of four fingertips."""

    classes = ("left_thumb", "right_thumb", "left_index", "right_index")

    def __init__(self, *, maps: bool, follows: bool) -> None:
        self.maps, self.follows = maps, follows
        self.signs = Signs([])
        self.points = torch.rand(200, 4, 2, generator=torch.Generator().manual_seed(1))

    def __len__(self) -> int:
        return 200

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, points = self.signs.images[index], self.points[index].clone()
        if torch.rand(()) < 0.5:
            image, points[:, 0] = image.flip(-1), 1 - points[:, 0]
            points = points[[1, 0, 3, 2]] if self.follows else points
        if not self.maps:
            return image, points
        place = (torch.arange(12) + 0.5) / 12
        away = (place - points[:, 0, None, None]).square() + (place[:, None] - points[:, 1, None, None]).square()
        return image, torch.exp(-away / 0.02)


@pytest.fixture(autouse=True)
def _no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names in this file are not a script's."""
    monkeypatch.setattr(handed.places, "files", list)


def found(data: Dataset[Any], classes: int = 4) -> list[Any]:
    """What is found in a data set by a script whose loss has so many classes."""
    torch.manual_seed(0)
    record = Record()
    record.loss_calls.append(LossCall("cross_entropy", 1.0, Where(), [8, 4], [8], classes=classes))
    entries = handed.look(DataLoader(data, batch_size=8), {"[0]"}, {"[1]"}, record)
    return [(entry.turn, entry.handed, entry.unmoved == entry.pairs) for entry in entries]


@pytest.mark.parametrize("moves", [False, True])
def test_a_flipped_sign_that_keeps_its_class_is_found(*, moves: bool) -> None:
    assert found(Signs(SIGNS, moves=moves)) == [("flipped left to right", "`turn_left` and `turn_right`", True)]


def test_it_is_found_in_a_part_of_a_data_set() -> None:
    assert found(Subset(Signs(SIGNS), list(range(200))))


def test_classes_that_are_exchanged_are_no_fault() -> None:
    assert not any(stays for _, _, stays in found(Signs(SIGNS, follows=True)))


@pytest.mark.parametrize("names", [["a", "b", "c", "d"], ["left", "b", "c", "d"], ["top_a", "bottom_a", "c", "d"]])
def test_classes_without_a_twin_may_be_flipped(names: list[str]) -> None:
    assert not found(Signs(names))


def test_names_of_something_else_are_no_classes() -> None:
    assert not found(Signs([*SIGNS, "left_wheel", "right_wheel"]))


@pytest.mark.parametrize("maps", [False, True])
def test_keypoints_that_are_not_exchanged_are_found(*, maps: bool) -> None:
    [(_, names, stays)] = found(Hands(maps=maps, follows=False), classes=0)
    assert stays
    assert names == "`left_thumb` and `right_thumb`"


@pytest.mark.parametrize("maps", [False, True])
def test_keypoints_that_are_exchanged_are_no_fault(*, maps: bool) -> None:
    [(_, _, stays)] = found(Hands(maps=maps, follows=True), classes=0)
    assert not stays


def test_names_in_camel_case_are_read() -> None:
    data = Signs(["LeftTurn", "RightTurn", "Ahead", "Stop"])
    assert handed.collections([], data) == [{"LeftTurn": 0, "RightTurn": 1, "Ahead": 2, "Stop": 3}]


def test_names_are_read_in_the_source(tmp_path: Any) -> None:
    script = tmp_path / "signs.py"
    script.write_text(
        'X = {"key": 1}\nKINDS = ("left clip", "right clip")\nNUMBERED = {"cw": 3, "ccw": 1}\nA = [1, *X]\n'
    )
    assert handed.collections([str(script)], None) == [{"left clip": 0, "right clip": 1}, {"cw": 3, "ccw": 1}]

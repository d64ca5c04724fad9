"""Vectors that a data set mirrors, and sets that it reorders: do targets follow?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runtime_probe.record import Augmentation

torch = pytest.importorskip("torch")

from runtime_probe.tap import vectors  # noqa: E402 - needs torch


def scenes(kind: str, draws: int = 4) -> list[Augmentation]:
    """Objects (8, 9, 5), two of them padding, in another order in each draw, and the index of one of them."""
    torch.manual_seed(0)
    objects = torch.randn(8, 9, 5)
    objects[:, 7:] = 0.0
    made = []
    for _ in range(draws):
        orders = [torch.cat([torch.randperm(7), torch.tensor([7, 8])]) for _ in range(8)]
        inverse = kind == "followed"
        index = torch.tensor([int(o.argsort()[3] if inverse else o[3]) for o in orders])
        index = torch.full((8,), 3) if kind == "a class" else index
        made.append({"objects": torch.stack([objects[n][o] for n, o in enumerate(orders)]), "chosen": index})
    return vectors.compare(made, {"objects"}, {"chosen"})


def test_an_index_follows_the_rows_that_are_reordered() -> None:
    [found] = scenes("followed")
    assert found.pairs > found.unmoved
    assert found.elsewhere == 0


def test_an_index_that_is_looked_up_in_the_order_itself_points_elsewhere() -> None:
    [found] = scenes("not inverted")
    assert found.pairs > found.unmoved
    assert found.elsewhere > 0.5 * found.pairs


def test_a_class_of_a_set_stays() -> None:
    [found] = scenes("a class")
    assert found.unmoved == found.pairs


@pytest.mark.parametrize("followed", [True, False])
def test_movements_are_mirrored_with_what_was_seen(followed: bool) -> None:
    torch.manual_seed(0)
    seen, moved = torch.randn(8, 2, 4), torch.randn(8, 6, 2)
    signs, ways = torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.tensor([1.0, -1.0])
    made = []
    for _ in range(4):
        flipped = torch.rand(8, 1, 1) < 0.5
        made.append(
            {
                "seen": torch.where(flipped, seen * signs, seen),
                "moved": torch.where(flipped, moved * ways, moved) if followed else moved,
            }
        )
    [found] = vectors.compare(made, {"seen"}, {"moved"})
    assert found.turn == "mirrored"
    assert (found.unmoved < found.pairs) is followed


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("followed", [True, False])
def test_poses_are_turned_with_their_points(dimensions: int, followed: bool) -> None:
    torch.manual_seed(0)
    points, pose = torch.randn(8, 30, dimensions), torch.randn(8, dimensions)
    made = []
    for _ in range(4):
        turns = torch.linalg.qr(torch.randn(8, dimensions, dimensions)).Q
        turned = points @ turns + 0.005 * torch.randn(8, 30, dimensions)
        made.append({"points": turned, "pose": (pose[:, None] @ turns)[:, 0] if followed else pose})
    [found] = vectors.compare(made, {"points"}, {"pose"})
    assert found.turn == "turned"
    assert (found.unmoved < found.pairs) is followed


@pytest.mark.parametrize("change", ["noise", "scale", "shift", "others"])
def test_points_that_are_not_turned(change: str) -> None:
    torch.manual_seed(0)
    points, pose = torch.randn(8, 30, 3), torch.randn(8, 3)
    made = []
    for _ in range(4):
        changed = {
            "noise": points + 0.02 * torch.randn(8, 30, 3),
            "scale": points * (0.8 + 0.4 * torch.rand(8, 1, 1)),
            "shift": points + torch.randn(8, 1, 3),
            "others": torch.randn(8, 30, 3),
        }[change]
        made.append({"points": changed, "pose": pose})
    assert vectors.compare(made, {"points"}, {"pose"}) == []


@pytest.mark.parametrize("shape", ["line", "one point", "plane"])
def test_points_that_may_be_turned_in_any_way_are_not(shape: str) -> None:
    torch.manual_seed(0)
    points = {
        "line": torch.linspace(0, 1, 20)[None, :, None] * torch.randn(8, 1, 3),
        "one point": torch.randn(8, 1, 3).expand(8, 20, 3),
        "plane": torch.randn(8, 20, 3) * torch.tensor([1.0, 1.0, 0.0]),
    }[shape]
    made = [{"points": points + 0.003 * torch.randn(8, 20, 3), "pose": torch.ones(8, 3) / 3} for _ in range(4)]
    assert vectors.compare(made, {"points"}, {"pose"}) == []


@pytest.mark.parametrize("target", [torch.eye(8, 5), torch.randn(8, 19), torch.randn(8, 30, 3)])
def test_classes_and_properties_are_the_same_for_points_that_are_turned(target: Any) -> None:
    torch.manual_seed(0)
    points = torch.randn(8, 30, 3)
    made = [{"points": points @ torch.linalg.qr(torch.randn(8, 3, 3)).Q, "y": target} for _ in range(4)]
    assert vectors.compare(made, {"points"}, {"y"}) == []


def test_noise_mirrors_nothing() -> None:
    torch.manual_seed(0)
    seen, moved = torch.randn(8, 4), torch.randn(8, 2)
    made = [{"seen": seen + 0.1 * torch.randn(8, 4), "moved": moved} for _ in range(4)]
    assert vectors.compare(made, {"seen"}, {"moved"}) == []

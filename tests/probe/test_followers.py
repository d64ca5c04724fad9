"""Averages of weights and target networks are found by how they move."""

from __future__ import annotations

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - needs torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn  # noqa: E402

from runtime_probe.tap import averaged  # noqa: E402
from runtime_probe.tap.averaged import without_statistics  # noqa: E402
from runtime_probe.tap.followers import Followers  # noqa: E402


def rates(follow: Any, steps: int = 3) -> list[float]:
    """Train a layer for a few steps, and let `follow(step, layer)` go with it."""
    torch.manual_seed(0)
    layer = nn.Linear(32, 16)
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3)
    kept = follow(layer)
    followers = Followers(list(layer.parameters()))
    found: list[float] = []
    for _ in range(steps):
        found = found or followers.found()
        optimizer.zero_grad()
        layer(torch.randn(8, 32)).square().mean().backward()
        optimizer.step()
        kept(layer)
    return found or followers.found()


def average(decay: float) -> Any:
    def begin(layer: nn.Linear) -> Any:
        held = copy.deepcopy(layer)

        def update(layer: nn.Linear) -> None:
            for old, new in zip(held.parameters(), layer.parameters(), strict=True):
                old.data.mul_(decay).add_(new.data, alpha=1 - decay)

        return update

    return begin


@pytest.mark.parametrize("decay", [0.9, 0.995, 0.9999])
def test_an_average_shows_its_rate(decay: float) -> None:
    [rate] = rates(average(decay))
    assert rate == pytest.approx(1 - decay, rel=0.05)


def test_a_dictionary_of_tensors_is_found_too() -> None:
    def begin(layer: nn.Linear) -> Any:
        shadow = {name: value.clone() for name, value in layer.state_dict().items()}

        def update(layer: nn.Linear) -> None:
            for name, value in layer.state_dict().items():
                shadow[name] = 0.98 * shadow[name] + 0.02 * value

        return update

    [rate] = rates(begin)
    assert rate == pytest.approx(0.02, rel=0.05)


def test_the_average_of_torch_begins_as_a_copy() -> None:
    def begin(layer: nn.Linear) -> Any:
        return AveragedModel(layer, multi_avg_fn=get_ema_multi_avg_fn(0.999)).update_parameters

    [rate] = rates(begin)
    assert rate == pytest.approx(0.001, rel=0.05)


def test_copies_and_what_stands_still_follow_nothing() -> None:
    def copied(layer: nn.Linear) -> Any:
        held = copy.deepcopy(layer)
        return lambda layer: held.load_state_dict(layer.state_dict())

    def still(layer: nn.Linear) -> Any:
        held = copy.deepcopy(layer)
        return lambda _: held

    assert not rates(copied)
    assert not rates(still)


class Averaging:
    """What a script holds: a model with batch normalization, and an average of its weights, or of its buffers too."""

    def __init__(self, *, use_buffers: bool) -> None:
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        self.ema, self.use_buffers = copy.deepcopy(self.model), use_buffers

    def train(self) -> str:
        for _ in range(3):
            self.model(torch.randn(16, 4))
            for old, new in zip(self.ema.parameters(), self.model.parameters(), strict=True):
                old.data.lerp_(new.data, 0.1)
            for old, new in zip(self.ema.buffers(), self.model.buffers(), strict=True) if self.use_buffers else ():
                old.copy_(new)
        return without_statistics([self.model])


@pytest.mark.parametrize("use_buffers", [True, False])
def test_an_average_without_running_statistics_is_named(use_buffers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(averaged, "named", lambda: [("ema", held.ema), ("net", held.model)])
    held = Averaging(use_buffers=use_buffers)
    assert held.train() == ("" if use_buffers else "ema")


def test_an_average_whose_statistics_are_made_at_the_end_is_left_alone(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text("torch.optim.swa_utils.update_bn(loader, ema)\n")
    held = Averaging(use_buffers=False)
    monkeypatch.setattr(averaged, "named", lambda: [("ema", held.ema)])
    monkeypatch.setattr(averaged.places, "files", lambda: [str(tmp_path / "train.py")])
    assert held.train() == ""

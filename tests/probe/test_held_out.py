"""Data sets beside that of training, and what reading does to them."""

from __future__ import annotations

import weakref
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402 - comes with torch
from building import healthy  # noqa: E402 - needs torch
from torch.utils.data import DataLoader, Dataset, Subset  # noqa: E402 - needs torch

from runtime_probe.tap import data_asked, held_out, living, stored  # noqa: E402
from runtime_probe.tap.evaluated import Evaluated  # noqa: E402


class Frames(Dataset[Any]):
    """Pictures in 0 to 255, as a camera gives them."""

    def __init__(self, frames: Any, mean: float, std: float, *, augment: bool = False) -> None:
        self.frames, self.mean, self.std, self.augment = frames, mean, std, augment

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        frame = (self.frames[index] - self.mean) / self.std
        if self.augment:
            frame = frame * (0.8 + 0.4 * torch.rand(())) + 0.1 * torch.randn_like(frame)
        return frame, index


class InPlace(Frames):
    def __getitem__(self, index: int) -> tuple[Any, Any]:
        frame = self.frames[index]
        frame -= self.mean
        frame /= self.std
        frame = frame if isinstance(frame, torch.Tensor) else torch.from_numpy(frame)
        return (frame.flip(-1) if torch.rand(()) < 0.5 else frame), index


class Cached(Frames):
    def __init__(self, frames: Any) -> None:
        super().__init__(frames, 120.0, 60.0)
        self.cache = torch.zeros_like(frames)
        self.buffer = torch.zeros(frames.shape[1:])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        self.cache[index] = super().__getitem__(index)[0]
        self.buffer.copy_(self.cache[index] + torch.randn(self.buffer.shape))
        return self.buffer.clone(), index


def frames(count: int = 200) -> Any:
    torch.manual_seed(0)
    return 120.0 + 60.0 * torch.randn(count, 3, 12, 12)


def test_held_out_data_that_are_normalized_alike_augmentation_aside() -> None:
    train = DataLoader(Frames(frames(), 120.0, 60.0, augment=True), 8)
    other = DataLoader(Frames(frames(), 120.0, 60.0), 8)
    [found] = held_out.compare(train, {"[0]"}, living.found())
    assert found.dataset == "Frames"
    assert found.part == "[0]"
    assert 0.8 < found.ratio < 1.25
    assert found.shift < 0.3
    del other


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.0, 255.0)])
def test_held_out_data_that_are_not_normalized(mean: float, std: float) -> None:
    train = DataLoader(Frames(frames(), 120.0, 60.0), 8)
    other = DataLoader(Frames(frames(), mean, std), 8)
    [found] = held_out.compare(train, {"[0]"}, living.found())
    assert not 0.4 < found.ratio < 2.5
    del other


def test_a_data_set_alone_has_nothing_to_be_compared_with() -> None:
    train = DataLoader(Frames(frames(), 120.0, 60.0), 8)
    same = DataLoader(train.dataset, 16)
    assert held_out.compare(train, {"[0]"}, living.found()) == []
    assert held_out.compare(train, set(), living.found()) == []
    del same


@pytest.mark.parametrize("kind", ["tensor", "array", "list"])
def test_reading_that_changes_what_is_kept_is_seen_behind_augmentation(kind: str) -> None:
    data = frames(64)
    held = {"tensor": data, "array": data.numpy(), "list": list(data)}[kind]
    loader = DataLoader(Subset(InPlace(held, 120.0, 60.0), range(50)), 8)
    assert stored.changed_by_reading(loader) == "InPlace.frames"


def test_what_comes_to_rest_after_a_few_readings_is_seen_as_well() -> None:
    loader = DataLoader(InPlace(frames(64), 120.0, 60.0), 8)
    session: Any = SimpleNamespace(
        record=healthy(),
        feed=SimpleNamespace(first=weakref.ref(loader)),
        parts=SimpleNamespace(roles=lambda: ({"[0]"}, {"[1]"})),
        looking=lambda _: nullcontext(),
    )
    data_asked.ask(session, living.found())
    assert session.record.batch.changed == "InPlace.frames"


def test_caches_buffers_and_augmentation_change_nothing_the_second_time() -> None:
    for data in (Cached(frames(64)), Frames(frames(64), 120.0, 60.0, augment=True)):
        assert stored.changed_by_reading(DataLoader(data, 8)) == ""


def test_arrays_that_cannot_be_summed_are_left() -> None:
    class Odd(Frames):
        def __init__(self) -> None:
            super().__init__(np.array([b"a", b"b"] * 20), 0.0, 1.0)
            self.itself = self
            self.frozen = np.ones(100)
            self.frozen.flags.writeable = False

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return self.frames[index], index

    assert stored.changed_by_reading(DataLoader(Odd(), 8)) == ""


class Regressor(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Linear(4, 2)

    def forward(self, obs: Any) -> Any:
        return self.net(obs)


def asked(scaled: bool, *, average: bool = False, wide: bool = True) -> list[Any]:
    """What a script says of its model before it trains it."""
    torch.manual_seed(0)
    obs_mean = torch.tensor([300.0, 0.0, 5.0, -40.0]) if wide else torch.tensor([0.4, 0.0, -0.3, 0.2])
    obs_std = torch.tensor([80.0, 0.02, 3.0, 10.0]) if wide else torch.tensor([0.5, 0.6, 0.45, 0.55])
    raw = obs_mean + obs_std * torch.randn(64, 4)
    model, evaluated = Regressor(), Evaluated()

    def ask(module: Any, obs: Any, *, trains: bool) -> None:
        evaluated.before(module, [("obs", obs)], trains=trains)
        evaluated.after(module, [module(obs)])

    ask(Regressor() if average else model, (raw - obs_mean) / obs_std if scaled else raw, trains=False)
    ask(model, (raw - obs_mean) / obs_std, trains=True)
    return list(evaluated.found())


def test_a_model_that_is_asked_as_it_is_trained() -> None:
    [found] = asked(scaled=True)
    assert found.ratio == pytest.approx(1.0)
    assert found.shift == pytest.approx(0.0)
    assert not found.unscaled
    assert found.model == "Regressor"


@pytest.mark.parametrize("average", [False, True])
def test_a_model_or_its_average_that_is_asked_with_raw_inputs(average: bool) -> None:
    [found] = asked(scaled=False, average=average)
    assert found.unscaled
    assert found.ratio > 2.5


def test_raw_inputs_of_nearly_the_same_scale_are_told_by_the_statistics_of_the_script() -> None:
    [found] = asked(scaled=False, wide=False)
    assert 0.4 < found.ratio < 1.0  # a limit on it would not tell
    assert found.unscaled


def test_what_a_model_makes_itself_is_not_compared() -> None:
    evaluated, layer = Evaluated(), torch.nn.Linear(4, 4)
    for trains, scale in ((False, 50.0), (True, 1.0)):
        x = scale * torch.randn(64, 4)
        evaluated.before(layer, [("x", x)], trains=trains)
        evaluated.after(layer, [layer(x)])
    assert list(evaluated.found()) == []


class Masked(Frames):
    """Masks some of each frame, in the array that it keeps."""

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        frame = self.frames[index]
        hole = int(torch.randint(0, 10, ()))
        frame[:, hole : hole + 2] = 0.0
        return frame, index


def test_masks_that_add_up_are_seen_though_the_same_draw_changes_nothing() -> None:
    assert stored.changed_by_reading(DataLoader(Masked(frames(64), 0.0, 1.0), 8)) == "Masked.frames"

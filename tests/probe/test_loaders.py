"""What a loader is known by."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import (  # noqa: E402 - needs torch
    BatchSampler,
    DataLoader,
    RandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from runtime_probe.tap.loaders import _in_order, _sampler_follows, length  # noqa: E402

DATA = TensorDataset(torch.arange(12))


def test_order_is_that_of_the_sampler_in_use() -> None:
    assert _in_order(DataLoader(DATA, 4))
    assert not _in_order(DataLoader(DATA, 4, shuffle=True))
    assert not _in_order(DataLoader(DATA, batch_sampler=BatchSampler(RandomSampler(DATA), 4, drop_last=False)))
    assert not _in_order(DataLoader(DATA, batch_sampler=[[3, 1], [0, 2]]))
    assert not _in_order(DataLoader(DATA, batch_size=None, sampler=[3, 1]))


def test_a_stream_has_no_length() -> None:
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(9))

    class Open(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(9))

        def __len__(self) -> int:
            raise NotImplementedError

    assert length(DataLoader(DATA, 4)) == 3
    assert length(DataLoader(Open(), 4)) == -1
    assert length(DataLoader(Stream(), 4)) == -1


def test_weights_of_a_sampler_are_compared_with_how_many_share_them() -> None:
    labels = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    counts = torch.bincount(labels).float()
    data = TensorDataset(torch.randn(100, 2), labels)

    def asked(weights: torch.Tensor) -> float | None:
        return _sampler_follows(DataLoader(data, 10, sampler=WeightedRandomSampler(weights[labels].tolist(), 100)))

    assert asked(1 / counts) == pytest.approx(-1.0)
    assert asked(counts) == pytest.approx(1.0)
    assert asked(torch.ones(3)) is None
    assert _sampler_follows(DataLoader(data, 10, shuffle=True)) is None

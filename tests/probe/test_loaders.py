"""What a loader is known by."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset  # noqa: E402 - needs torch

from runtime_probe.tap.loaders import _in_order, length  # noqa: E402

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

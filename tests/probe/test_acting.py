"""Observations that a policy acted on, beside those that it is trained on."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from runtime_probe.tap.acting import Acting  # noqa: E402 - needs torch


def rollout(*, critic: bool = False) -> tuple[Acting, Any]:
    """An agent that has acted for 16 steps in 12 environments, and what it saw (17, 12, 4)."""
    torch.manual_seed(0)
    seen, acting = torch.randn(17, 12, 4), Acting()
    for step in range(17):
        acting.note(seen[step])
        if critic:
            acting.note(seen[step])
        if step < 16:
            acting.note_step()
    return acting, seen


@pytest.mark.parametrize("critic", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
def test_training_on_the_next_observation_is_seen(critic: bool, shuffled: bool) -> None:
    for late in (False, True):
        acting, seen = rollout(critic=critic)
        rows = (seen[1:] if late else seen[:-1]).flatten(0, 1)
        rows = rows[torch.randperm(len(rows))] if shuffled else rows
        assert bool([part for part in rows.split(64) if acting.one_late(part)]) is late


def test_observations_that_are_scaled_anew_are_known_by_their_neighbours() -> None:
    for late in (False, True):
        acting, seen = rollout()
        acting.note(torch.randn(2, 4))  # the value of the last state of two episodes
        rows = (seen[1:] if late else seen[:-1]).flatten(0, 1)
        assert acting.one_late(0.99 * rows + 0.01) is late


def test_a_buffer_of_all_times_tells_nothing() -> None:
    acting = Acting()
    seen = torch.randn(500, 1, 4)
    for observation in seen:
        acting.note(observation)
        acting.note_step()
    assert not acting.one_late(seen[torch.randperm(500)[:64], 0])


def test_a_new_rollout_begins_anew_and_other_shapes_are_left() -> None:
    acting, seen = rollout()
    acting.one_late(seen[:-1].flatten(0, 1))
    acting.note(seen[0])
    assert list(acting.calls) == [(12, 4)]
    acting.note(torch.zeros(12, dtype=torch.long))
    assert list(acting.calls) == [(12, 4)]
    acting.note(torch.randn(3, 4))
    assert [len(calls) for calls in acting.calls.values()] == [1, 1]
    assert not acting.one_late(torch.randn(64, 5))

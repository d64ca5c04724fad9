"""The path of a flow against its target, from what a model was given at two times."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from runtime_probe.tap.flow import agreement  # noqa: E402 - needs torch

TIME, SAMPLE = "Net(t)", "Net(x)"


def seen(*, sigma: float = 0.0, column: bool = False) -> tuple[dict, dict, torch.Tensor]:
    """Inputs at two times, and the velocity of the path between noise and data."""
    torch.manual_seed(0)
    noise, data, observation = torch.randn(8, 4, 2), torch.randn(8, 4, 2), torch.randn(8, 5)
    moments = []
    for time in (torch.rand(8), torch.tensor([0.0, 1.0] * 4)):
        t = time[:, None, None]
        sample = t * data + (1 - (1 - sigma) * t) * noise
        moments.append({TIME: time[:, None] if column else time, SAMPLE: sample, "Net(obs)": observation})
    return moments[0], moments[1], data - (1 - sigma) * noise


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("sigma", [0.0, 0.01])
def test_the_velocity_of_a_straight_path_is_parallel_to_it(column: bool, sigma: float) -> None:
    before, after, velocity = seen(sigma=sigma, column=column)
    assert agreement(before, after, TIME, [velocity]).cosine == pytest.approx(1.0, abs=1e-4)
    assert agreement(before, after, TIME, [-velocity]).cosine == pytest.approx(-1.0, abs=1e-4)


def test_what_is_left_of_the_way_is_as_long_as_the_time_that_is_left() -> None:
    before, after, velocity = seen()
    found = agreement(before, after, TIME, [velocity])
    assert found.shortest == pytest.approx(found.longest, rel=1e-3)
    found = agreement(before, after, TIME, [velocity * (1 - after[TIME])[:, None, None]])
    assert found.shortest < 1e-3 < found.longest


def test_data_as_the_target_is_no_velocity() -> None:
    before, after, velocity = seen()
    found = agreement(before, after, TIME, [velocity + before[SAMPLE] * 2])
    assert found is not None
    assert abs(found.cosine) < 0.9


def test_nothing_is_said_without_a_pair() -> None:
    before, after, velocity = seen()
    assert agreement(before, after, TIME, [velocity[:, :2]]) is None
    assert agreement(before, after, TIME, []) is None
    assert agreement(before, before, TIME, [velocity]) is None
    assert agreement({}, after, TIME, [velocity]) is None

"""Readings that were lost, in sequences as robots log them."""

from __future__ import annotations

import math

import pytest
import torch

from runtime_probe.tap import dropouts


def flights(n: int = 256, steps: int = 24) -> torch.Tensor:
    """Positions (N, T, 3) in metres, of drones that fly smooth courses."""
    generator = torch.Generator().manual_seed(0)
    turns, phases, sizes = (torch.rand(n, 1, 3, generator=generator) for _ in range(3))
    time = torch.linspace(0, 1, steps)[None, :, None]
    noise = 0.002 * torch.randn(n, steps, 3, generator=generator)
    return (1 + sizes) * torch.sin(2 * math.pi * (turns * time + phases)) + noise


def lost(courses: torch.Tensor, share: float = 0.03) -> torch.Tensor:
    """Which steps (N, T) were lost."""
    return torch.rand(courses.shape[:2], generator=torch.Generator().manual_seed(1)) < share


def in_stretches(courses: torch.Tensor) -> list[dict[str, torch.Tensor]]:
    """Return four collated stretches."""
    return [{"path": part} for part in courses.chunk(4)]


def test_a_marker_that_is_put_at_the_origin_when_lost_is_found() -> None:
    courses = flights()
    courses[lost(courses)] = 0.0
    [found] = dropouts.look(in_stretches(courses), ["path"])
    assert found.part == "path"
    assert found.dimensions == [0, 1, 2]
    assert found.share == pytest.approx(0.03, abs=0.01)


def test_it_is_found_after_a_change_of_the_frame_of_reference() -> None:
    courses = flights()
    courses[lost(courses, 0.06)] = 0.0
    courses = (courses - courses[:, :1]) @ torch.linalg.qr(torch.randn(3, 3))[0]
    assert dropouts.look(in_stretches(courses), ["path"])


def test_sensors_before_time_are_looked_at_as_well() -> None:
    courses = flights()
    courses[lost(courses)] = 0.0
    assert dropouts.look(in_stretches(courses.transpose(1, 2).contiguous()), ["path"])


def test_smooth_courses_lose_nothing() -> None:
    assert not dropouts.look(in_stretches(flights()), ["path"])


def test_impacts_are_no_losses() -> None:
    courses = flights()
    hit = lost(courses)
    courses[hit] += 3.0 * torch.randn(int(hit.sum()), 3)
    assert not dropouts.look(in_stretches(courses), ["path"])


def test_peaks_that_are_cut_off_are_no_losses() -> None:
    courses = flights()
    courses[..., 0] = torch.where(lost(courses), 4.0, courses[..., 0])
    assert not dropouts.look(in_stretches(courses), ["path"])


def test_noise_and_a_gripper_have_no_course_to_leave() -> None:
    noise = torch.randn(256, 24, 3)
    noise[..., 2] = (torch.rand(256, 24) < 0.1).float()
    assert not dropouts.look(in_stretches(noise), ["path"])


@pytest.mark.parametrize("shape", [(8,), (8, 3), (8, 3, 8, 8), (8, 0, 3), (8, 4, 2)])
def test_what_is_no_sequence_is_left_alone(shape: tuple[int, ...]) -> None:
    assert not dropouts.look([{"path": torch.zeros(shape)}], ["path"])

"""The time of a diffusion or flow model, found among the arguments, and what is left of the data at its end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING

import torch

from runtime_probe.record import Times

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_LATEST, _FEWEST_LATE, _FEWEST_TIMES = 0.1, 3, 10
"""Share of the times that counts as late; samples, and times of a schedule, for that to say something."""
_TIMES = re.compile(r"\((t|k|tau|sigma|(noise_)?level|(diffusion_|time_?)?steps?|times?)\)")
"""Arguments that are times, whether they were drawn or not."""


@dataclass(slots=True)
class Candidates:
    """Arguments of models that may be such a time, in the script's own batch."""

    spread: dict[str, Times] = field(default_factory=dict)
    likeness: dict[str, float] = field(default_factory=dict)
    """How much of the data is left at the latest of them."""


def note_time(session: Session) -> None:
    """Find the argument of a model that was drawn, one number for each sample, as a time is."""
    features, results = session.record.features, session.record.experiments
    draws = session.noise.draws
    for call in session.calls.outer.values():
        given = call.named()
        if len(given) < 2 or not any(t.dim() > 1 for _, t in given):
            continue
        size = max(len(t) for _, t in given if t.dim())
        for name, tensor in given:
            label = f"{type(call.module).__name__}({name})"
            if tensor.numel() not in (1, size) or (tensor.numel() == 1 and size != 1 and tensor.dim()):
                continue
            if tensor.requires_grad or not _drawn(draws, tensor, size):
                continue
            if tensor.is_floating_point():
                low, high = float(tensor.min()), float(tensor.max())
                if low >= 0.0 and high <= 1.0:
                    features.time_argument, features.time_integral = label, False
                    results.time_observed = [low, high]
                    features.times = session.times.spread.get(label)
                    return
            elif tensor.dtype != torch.bool:
                features.time_argument, features.time_integral = label, True
                features.times = session.times.spread.get(label)
                features.late_likeness = session.times.likeness.get(label)
                return
    if features.data_std:  # noise was added to data, and nothing drew how much
        _note_constant(session)


def _note_constant(session: Session) -> None:
    """Find a time by its name that is the same in all samples."""
    features = session.record.features
    for call in session.calls.outer.values():
        for name, tensor in call.named():
            label = f"{type(call.module).__name__}({name})"
            spread = session.times.spread.get(label)
            if spread is not None and spread.distinct == 1 < spread.samples and _TIMES.search(label):
                features.time_argument, features.time_integral = label, not tensor.is_floating_point()
                features.times = spread
                return


def note_first(session: Session) -> None:
    """The first batch is a whole one, and what turns out to be a time may have been drawn unseen."""
    for call in session.calls.outer.values():
        given = call.named()
        size = max((len(t) for _, t in given if t.dim()), default=0)
        for name, tensor in given:
            plain = tensor.dtype != torch.bool and not tensor.is_complex()
            if size and plain and tensor.numel() in (1, size):
                counts = tensor.flatten().unique(return_counts=True)[1]
                spread = Times(size, len(counts), int(counts.max()) / tensor.numel())
                session.times.spread[f"{type(call.module).__name__}({name})"] = spread
            if not tensor.is_floating_point() and tensor.dim() and tensor.numel() == len(tensor):
                found = _late_likeness(session, given, tensor.flatten())
                if found is not None:
                    session.times.likeness[f"{type(call.module).__name__}({name})"] = found


def _late_likeness(session: Session, given: list[tuple[str, torch.Tensor]], times: torch.Tensor) -> float | None:
    """How much of the data is left in x_t at the latest times of a batch; times: (N).

    What else the model is given may be a part of the batch as it is: the least counts.
    """
    late = times >= times.max() * (1 - _LATEST)
    if int(late.sum()) < _FEWEST_LATE or int(times.max()) < _FEWEST_TIMES:
        return None
    found = []
    for _, x in given:
        alike = [data for data in session.parts.handed_out if data.shape == x.shape and data.is_floating_point()]
        if alike and x.is_floating_point() and len(x) == len(times):
            pairs = [
                torch.stack([x.detach()[late].double().flatten(), data[late].double().flatten()]) for data in alike
            ]
            found.append(max(abs(float(torch.corrcoef(pair)[0, 1])) for pair in pairs))
    return min((value for value in found if not isnan(value)), default=None)


def _drawn(draws: dict[str, list[int]], tensor: torch.Tensor, size: int) -> bool:
    names = ("rand", "uniform", "normal", "randn") if tensor.is_floating_point() else ("randint",)
    sizes = {tensor.numel(), size}
    if tensor.numel() and bool((tensor == tensor.flatten()[0]).all()):
        sizes.add(1)  # one for all
    return any(numel in sizes for name in names for numel in draws.get(name, ()))

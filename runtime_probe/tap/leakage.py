"""Does an output depend on what it must not see: another sample of the batch, a later time step?

Asked of the model alone, in eval mode and with the same random draws, after the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import Leakage
from runtime_probe.tap.asked import asked, of_each_model
from runtime_probe.tap.calls import mapped

if TYPE_CHECKING:
    from runtime_probe.tap.calls import Call
    from runtime_probe.tap.session import Session

_MOST_ELEMENTS = 20_000_000
_SEQUENCE, _STEPS = 3, 4
"""Dimensions of sequences (N, T, D), and their shortest length."""
_SAME, _STILL = 0.9, 1e-5
"""Share of a target that a model is given; movement before a change, which is rounding."""
_OWN = 1.0
_ONLY_OTHERS = 1e6
"""Movement where the changed sample's own output stays as it is, and others move."""


def look(session: Session) -> list[Leakage]:
    """Perturb one sample, and for token models one time step, of the inputs of each model."""

    def ask(call: Call) -> list[Leakage]:
        return _ask(call, session.calls.sizes.get(id(call.module), []), session)

    return of_each_model(session, "asking for leakage", ask)


def _ask(call: Call, first_shapes: list[tuple[int, ...]], session: Session) -> list[Leakage]:
    given = [t for _, t in call.named()]
    if not given or sum(t.numel() for t in given) > _MOST_ELEMENTS:
        return []
    size, how = _batch_dimension_is_first(given, first_shapes), "cut"
    if not size:
        size, how = _probably_first(given, batch_first=session.batch_first)
    found = []
    base = _run(call, call.args, call.kwargs)
    name = type(call.module).__name__
    if size > 1 and base is not None:
        moved = _run(call, *_changed(call, size))
        if moved is not None and base.shape == moved.shape == (size, size):
            moved[1:, 0] = base[1:, 0]  # pairs of samples: the others' rows hold what they have to do with this one
        value = _moved(base, moved, slice(1, None), slice(0, 1), size)
        if value is None:  # rows that were mixed up may have lost the first sample
            moved = _run(call, *_changed(call, size, last=True))
            value = _moved(base, moved, slice(0, -1), slice(-1, None), size)
        if value is not None:
            found.append(Leakage("samples", name, value, how=how))
    features = session.record.features
    if base is not None and features.targets_are_inputs:
        reach = _reach_of_own_token(call, base)
        features.targets_are_inputs = reach is None or reach == _OWN
        features.targets_are_shifted |= not features.targets_are_inputs
        if reach is not None and reach > _OWN:
            features.targets_are_inputs = False
            found.append(Leakage("time", name, reach))
    # What an encoder is given may be seen as a whole; only what is predicted must not be.
    tokens = next((t for n, t in call.named() if n in session.shifted and t.shape[1] > 2), None)
    if tokens is not None and base is not None and base.dim() == 3 and base.shape[:2] == tokens.shape:
        moved = _run(call, *mapped(call, lambda name, t: _other(t, time=True) if name in session.shifted else t))
        if moved is not None:
            value = _moved(base.transpose(0, 1), moved.transpose(0, 1), slice(0, -1), slice(-1, None), base.shape[1])
            if value is not None:
                found.append(Leakage("time", name, value))
    own = _of_own_target(call, given, session)
    if own is not None:
        found.append(Leakage("own target", name, own[1], detail=own[0]))
    return found


def _reach_of_own_token(call: Call, base: torch.Tensor) -> float | None:
    """How far back answers (N, T, ...) depend on the tokens (N, T) that they are to predict; None if that is not known.

    0 where the model shifts them itself: an answer depends on what was before it. 1 where it sees its own token, and
    those before it do not; more where they do as well, by how much of the change at the place itself.
    """
    for name, tokens in call.named():
        if tokens.is_floating_point() or tokens.dim() != _SEQUENCE - 1 or base.shape[:2] != tokens.shape:
            continue
        middle = tokens.shape[1] // 2

        def change(argument: str, value: torch.Tensor, wanted: str = name, place: int = middle) -> torch.Tensor:
            if argument != wanted:
                return value
            made = value.clone()
            known = value.unique()
            made[:, place] = torch.where(value[:, place] == known[-1], known[0], known[-1])
            return made

        moved = _run(call, *mapped(call, change))
        if moved is not None and moved.shape == base.shape:
            change_at = (moved - base).abs().flatten(2).amax(dim=(0, 2))
            own, before, largest = (float(x) for x in (change_at[middle], change_at[:middle].max(), change_at.max()))
            if largest > 0:
                still = _STILL * largest
                return 0.0 if own <= still else _OWN + before / own if before > still else _OWN
    return None


def _of_own_target(call: Call, given: list[torch.Tensor], session: Session) -> tuple[str, float] | None:
    """Does the output at a time step depend on what it is compared with, which the model is given as well?

    Asked of sequences of numbers (N, T, D) that are targets, beside other inputs, where what was before does not move:
    what reconstructs its input, or reads a whole sequence, may see it.
    """
    for name, sequence in call.named():
        if len(given) < 2 or sequence.dim() != _SEQUENCE or not sequence.is_floating_point():
            continue
        if sequence.shape[1] < _STEPS or not any(_holds(sequence, target) for target in session.velocity_targets):
            continue
        middle = sequence.shape[1] // 2

        def change(argument: str, value: torch.Tensor, wanted: str = name, place: int = middle) -> torch.Tensor:
            if argument != wanted:
                return value
            made = value.clone()
            made[:, place] = made[:, place].roll(1, 0) + value.float().std().to(value)
            return made

        before, after = asked(call, call.args, call.kwargs), asked(call, *mapped(call, change))
        for base, moved in zip(before, after, strict=True):
            if base.dim() != _SEQUENCE or base.shape[:2] != sequence.shape[:2] or base.shape != moved.shape:
                continue
            change_at = (moved - base).abs().amax(dim=(0, 2))
            largest = float(change_at.max())
            if largest > 0 and base.shape == sequence.shape and float(change_at[:middle].max()) <= _STILL * largest:
                return name, float(change_at[middle]) / largest
    return None


def _holds(sequence: torch.Tensor, target: torch.Tensor) -> bool:
    """Whether a target is a sequence (N, T, D), or holds rows of it, as where padding was left out."""
    if target.shape == sequence.shape:
        return bool((target == sequence).float().mean() > _SAME)
    if target.dim() != _SEQUENCE - 1 or target.shape[1] != sequence.shape[2] or len(target) < _STEPS:
        return False
    rows = sequence.flatten(0, 1)
    return bool((rows[None] == target[:_STEPS, None]).all(-1).any(1).all())


def _batch_dimension_is_first(given: list[torch.Tensor], first: list[tuple[int, ...]]) -> int:
    """Size of the batch when cutting it has changed the first dimension of every input, else 0.

    What cannot be told from (time, batch, ...) is not asked about.
    """
    if len(first) != len(given):
        return 0
    size = len(given[0]) if given[0].dim() else 0
    for tensor, shape in zip(given, first, strict=True):
        if tensor.dim() != len(shape) or not shape or len(tensor) != size or shape[0] == size:
            return 0
        if tuple(tensor.shape[1:]) != tuple(shape[1:]):
            return 0
    return size


def _probably_first(given: list[torch.Tensor], *, batch_first: bool) -> tuple[int, str]:
    """Size of the batch where nothing has cut it, and how that is known.

    A time of diffusion or a label, one for each sample, tells it; so do targets that are the inputs one
    position on. Rows of numbers are samples as a rule, but may be nodes of a graph.
    """
    size = len(given[0]) if given[0].dim() else 0
    if size < 2 or any(not tensor.dim() or len(tensor) != size for tensor in given):
        return 0, ""
    sizes = [tensor.dim() for tensor in given]
    if batch_first or (1 in sizes and max(sizes) > 1):
        return size, "told"
    rows = all(t.is_floating_point() and t.dim() in (2, 4) and t.shape != (size, size) for t in given)
    return (size, "guess") if rows else (0, "")


def _run(call: Call, args: Any, kwargs: Any) -> torch.Tensor | None:
    """The output of a model, the first of several that is no single number."""
    floating = [t.float() for t in asked(call, args, kwargs)]
    return floating[0] if len(floating) == 1 else next((t for t in floating if t.dim() > 1), None)


def _changed(call: Call, size: int, *, last: bool = False) -> tuple[Any, Any]:
    """The inputs with the first sample changed, or the last one."""

    def change(_: str, value: torch.Tensor) -> torch.Tensor:
        return _other(value, last=last) if value.dim() and len(value) == size else value

    return mapped(call, change)


def _other(value: torch.Tensor, *, time: bool = False, last: bool = False) -> torch.Tensor:
    """A tensor whose first sample is another one, or its last sample, or the last time step of all."""
    made = value.clone()
    part = made[:, -1:] if time else made[-1:] if last else made[:1]
    if made.is_floating_point():
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(part.shape, generator=generator).to(made)
        part += noise * (value.float().std().to(made) + 0.1)
    elif made.dtype != torch.bool:
        # Another id that occurs: one that does not may be out of range. The smallest is padding, as a rule.
        known = value.unique()
        part.copy_(torch.where(part == known[-1], known[max(0, len(known) - 2)], known[-1]))
    return made


def _moved(base: torch.Tensor, moved: torch.Tensor | None, fixed: slice, free: slice, size: int) -> float | None:
    if moved is None or base.shape != moved.shape or len(base) != size:
        return None
    change = (moved - base).abs()
    allowed, forbidden = float(change[free].max()), float(change[fixed].max())
    if not torch.isfinite(change).all() or (allowed == 0.0 and forbidden == 0.0):
        return None
    return forbidden / allowed if allowed else _ONLY_OTHERS

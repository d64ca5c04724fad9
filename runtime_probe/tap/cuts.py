"""Does the gradient of an output go where its values come from?

Codes that are picked by argmin, and rounded numbers, pass values on and no gradients; a straight-through estimator
passes the gradient by hand, and may do so the wrong way round. Each part of a model is asked: what becomes of the
output if its own is that of another sample, or a very little different, and what does the gradient say?

Asked of the model alone, in eval mode and with the same random draws, after the last step.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import Cut
from runtime_probe.tap.asked import asked, of_each_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime_probe.tap.calls import Call
    from runtime_probe.tap.session import Session

_SECONDS, _SLOWEST = 0.7, 0.15
"""For a model, and for one of its forward passes."""
_MOST_PARTS = 24
_LITTLE = 1e-4
"""Of the standard deviation of a part's output."""
_MOVED = 1e-3
"""Of the change of the model's output from sample to sample, and of that beside the output's spread: rounding is far
below."""
_ROUNDING, _FARTHER = 1e-4, 30.0
"""The same, where an output does not depend on a part at all, even if that says something wholly else. A code that is
picked stays for a while."""
_STILL = 0.5
"""Share of an output that stays to the last bit where values are picked; what is continuous moves everywhere."""


def look(session: Session) -> list[Cut]:
    """Ask each model that was called from outside, and is quick enough."""
    return of_each_model(session, "asking where gradients go", _ask)


def _ask(call: Call) -> Iterator[Cut]:
    began = time.monotonic()
    kept: dict[str, list[torch.Tensor]] = {}
    parts = dict(_parts(call.module))
    if not parts:
        return
    base = _run(call, {name: _keeper(kept.setdefault(name, [])) for name in parts}, gradients=True)
    if base is None or not base.requires_grad or time.monotonic() - began > _SLOWEST:
        return
    again = _run(call, {})
    if again is None or again.shape != base.shape or not torch.equal(again, base.detach()):
        return  # it draws, or counts its calls
    once = {name: values[0] for name, values in kept.items() if len(values) == 1 and values[0].requires_grad}
    if not once:
        return
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(base.shape, generator=generator).to(base)
    gradients = torch.autograd.grad((base * weights).sum(), list(once.values()), allow_unused=True)
    told: list[str] = []
    for (name, kept_value), gradient in zip(once.items(), gradients, strict=True):
        if time.monotonic() - began > _SECONDS:
            return
        value = kept_value.detach()
        step = value.roll(1, 0) - value
        if float(step.abs().mean()) <= _MOVED * float(value.std()):
            continue
        if name.startswith(tuple(f"{outer}." for outer in told)):
            continue
        moved = _moved(base, _run(call, {name: _replacer(value + step)}))
        if moved is None:
            continue
        passes = ""
        if gradient is None or not bool(gradient.any()):
            passes = "values" if moved > _MOVED and _picked(call, name, value, base.detach()) else ""
        elif moved < _ROUNDING and float((gradient * step).flatten(1).sum(dim=1).abs().mean()) > 0.0:
            farther = _moved(base, _run(call, {name: _replacer(value + _FARTHER * step)}))
            passes = "gradients" if farther is not None and farther < _ROUNDING else ""
        if not passes:
            continue
        told.append(name)
        yield Cut(type(call.module).__name__, name, passes)


def _parts(root: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """The first layers of the hierarchy that hold trained parameters, containers of others first."""
    found = [(name, m) for name, m in root.named_modules() if name and any(p.requires_grad for p in m.parameters())]
    yield from sorted(found, key=lambda pair: pair[0].count("."))[:_MOST_PARTS]


def _run(call: Call, hooks: dict[str, Callable[..., Any]], *, gradients: bool = False) -> torch.Tensor | None:
    """The largest output of a model while some of its parts have hooks; None where it has none."""
    modules = dict(call.module.named_modules())
    handles = [modules[name].register_forward_hook(hook) for name, hook in hooks.items()]
    try:
        answers = asked(call, call.args, call.kwargs, gradients=gradients)
    finally:
        for handle in handles:
            handle.remove()
    return max((t for t in answers if t.dim() > 1), key=lambda t: t.numel(), default=None)


def _keeper(into: list[torch.Tensor]) -> Callable[..., None]:
    def keep(module: torch.nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.is_floating_point() and output.dim() > 1:
            into.append(output)

    return keep


def _replacer(value: torch.Tensor) -> Callable[..., torch.Tensor]:
    def replace(module: torch.nn.Module, args: Any, output: Any) -> torch.Tensor:
        return value

    return replace


def _moved(base: torch.Tensor, other: torch.Tensor | None) -> float | None:
    """Mean change of an output over that from sample to sample; None where shapes differ, or samples hardly do."""
    if other is None or other.shape != base.shape or not bool(other.isfinite().all()):
        return None
    base = base.detach()
    between = float((base - base.roll(1, 0)).abs().mean())
    return float((other - base).abs().mean()) / between if between > _MOVED * float(base.std()) else None


def _picked(call: Call, name: str, value: torch.Tensor, base: torch.Tensor) -> bool:
    """Whether most of an output stays to the last bit when what it comes from changes a little."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(value.shape, generator=generator).to(value) * (_LITTLE * float(value.std()))
    other = _run(call, {name: _replacer(value + noise)})
    return other is not None and other.shape == base.shape and float((other == base).float().mean()) > _STILL

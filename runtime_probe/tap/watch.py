"""Every call of torch during the first steps, handed to those who look at losses, noise, parts of the batch, shapes.

A TorchFunctionMode sees each call with its arguments, however the function was imported. It makes a
step about 1.3 times as long, so it is there for the warm-up only.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from runtime_probe.record import NonFinite
from runtime_probe.tap import behind, left_out
from runtime_probe.tap.attention import Attention
from runtime_probe.tap.contrast import COMPARISONS, Contrast
from runtime_probe.tap.losses import LOSS_FUNCTIONS
from runtime_probe.tap.mining import Mining
from runtime_probe.tap.noise import DRAWS
from runtime_probe.tap.places import MADE_AT, directly, here
from runtime_probe.tap.reshapes import Reshapes
from runtime_probe.tap.squash import Squash
from runtime_probe.tap.surrogate import Surrogate
from runtime_probe.tap.terms import note_sum

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_HERE = os.path.dirname(__file__) + os.sep
_FINITE = frozenset(("isnan", "isinf", "isfinite"))
_HARMLESS = frozenset("masked_fill masked_fill_ where full full_like new_full fill_ triu tril setitem add add_".split())
"""Operations that put infinity on purpose: masks of attention."""
_CANDIDATES = 50
_PICKED = 8
_PICKS = frozenset("max min amax amin minimum gather squeeze".split())
"""Operations that make one value for each sample of those of all actions, or of several critics."""


class Watch(TorchFunctionMode):
    """Looks at each call of torch while the session is watching."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.entered = False
        self.candidates: list[NonFinite] = []
        self.read: set[int] = set()
        """Ids of the tensors that operations of this iteration were given, unique as long as these live."""
        self.picked: deque[torch.Tensor] = deque(maxlen=_PICKED)
        """What was picked without a gradient in this iteration: values of the best action, the smaller of two."""
        self.reshapes = Reshapes()
        self.attention = Attention(session)
        self.contrast = Contrast(session.record)
        self.surrogate = Surrogate(session.record)
        self.squash = Squash(session.record.rewards)
        self.mining = Mining()

    def start(self) -> None:
        """Begin to watch."""
        if not self.entered:
            self.entered = True
            self.__enter__()

    def stop(self) -> None:
        """Leave the stack of modes, unless somebody entered one above; then it stays, and looks no more."""
        if self.entered:
            size = torch._C._len_torch_function_stack()
            if size and torch._C._get_function_stack_at(size - 1) is self:
                self.__exit__(None, None, None)
                self.entered = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        judging = not torch.is_grad_enabled()
        name = getattr(func, "__name__", "")
        attribute = name in ("__get__", "__set__")
        if self.session.watching and (not attribute or behind.is_data(func)) and not _of_the_tap():
            try:
                with torch.no_grad():
                    behind.note(self.session.record.features, name, args, result)
                    if attribute:
                        return result
                    if judging and name in _PICKS:
                        self._note_picked(result)
                    self._look(name.strip("_") if name.startswith("__") else name, args, kwargs or {}, result)
            except Exception as error:  # noqa: BLE001 - to look must not change what happens
                self.session.anomaly(f"watching {name}", error)
        return result

    def _note_picked(self, result: Any) -> None:
        value = result[0] if isinstance(result, tuple) else result
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel() == len(value) > 1:
            self.picked.append(value)

    def _look(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        given = [*_flat(args), *_flat(list(kwargs.values()))]
        self.session.parts.note_result(name, given, args, kwargs, result)
        if name != "setitem":
            self.read.update(map(id, given))
        if name in DRAWS and isinstance(result, torch.Tensor):
            self.session.noise.note_draw(name, result)
            return
        if name in _FINITE and args and isinstance(args[0], torch.Tensor) and args[0].numel() == 1:
            # Frameworks look at the loss too, to leave NaN out of their logs.
            where = directly(3)
            if where is not None:
                self.session.on_finite_check(where, float(args[0]))
            return
        if name in COMPARISONS:
            self.contrast.note(name, args, result)
        if name in ("view", "reshape"):
            self.reshapes.note(args, result)
        if name in ("cat", "concat", "concatenate"):
            self.session.calls.note_joined(args[0] if args else kwargs.get("tensors"), here(4))
        self.attention.note(name, args, kwargs, result)
        self.surrogate.note(name, args, result)
        self.squash.note(name, args, result)
        self.mining.note(name, result)
        left_out.note(self.session, name, args, result)
        if name in LOSS_FUNCTIONS:
            self.session.losses.note_loss(name, args, kwargs, result)
        self._arithmetic(name, args, result)
        if isinstance(result, torch.Tensor) and result.is_floating_point():
            if result.numel() == 1 and result.requires_grad:
                setattr(result, MADE_AT, here(3))
                note_sum(name, args, result)
            if result.requires_grad or name in LOSS_FUNCTIONS:
                self._finite(name, args, result)

    def _arithmetic(self, name: str, args: Any, result: Any) -> None:
        if name in ("sub", "rsub") and len(args) >= 2:
            self.session.losses.note_difference(args[0], args[1], result)
        elif name in ("mul", "rmul", "div", "truediv") and len(args) >= 2 and args[0] is not args[1]:
            self.session.losses.note_scaled(args, result)
        elif name in ("pow", "square", "abs", "mul", "norm", "mean", "sum") and args:
            self.session.losses.note_error(name, args, result)
        if name in ("mul", "rmul", "add", "radd", "sub", "rsub", "lerp") and len(args) >= 2:
            self.session.noise.note_sum_or_product(name, args[0], args[1], result)

    def _finite(self, name: str, args: Any, result: torch.Tensor) -> None:
        if len(self.candidates) >= _CANDIDATES or bool(torch.isfinite(result).all()):
            return
        given = [x for x in _flat(args) if x.is_floating_point()]
        if not all(bool(torch.isfinite(x).all()) for x in given):
            return
        kind = "nan" if bool(torch.isnan(result).any()) else "inf"
        self.candidates.append(
            NonFinite(
                "activation",
                len(self.session.record.steps),
                kind,
                operation=name,
                module=self.session.calls.current(),
                where=here(4),
            )
        )

    def origin(self, *, certain: bool = False) -> NonFinite | None:
        """Return where a NaN or infinity of the current step began, if that was seen; `certain` leaves masks out."""
        telling = [c for c in self.candidates if c.operation not in _HARMLESS]
        found = telling or ([] if certain else self.candidates)
        return found[0] if found else None

    def next_step(self) -> None:
        """Forget what belonged to one step."""
        self.candidates.clear()
        self.read.clear()
        self.picked.clear()
        self.session.forget_step()


def _of_the_tap() -> bool:
    """Whether the probe itself made the call that is looked at, or what it does would be traced into a graph."""
    return torch.jit.is_tracing() or sys._getframe(2).f_code.co_filename.startswith(_HERE)


def _flat(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for item in value for t in _flat(item)] if isinstance(value, (list, tuple)) else []

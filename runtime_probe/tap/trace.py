"""Every operation of one iteration, forward and backward, until the first that makes NaN or infinity.

A TorchDispatchMode makes the iteration six to eight times as long, so it runs only when a loss, a
gradient or a parameter was not finite, and only once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from runtime_probe.record import NonFinite
from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_HARMLESS = (
    "masked_fill",
    "full",
    "fill",
    "where",
    "scalar_tensor",
    "triu",
    "tril",
    "empty",
    "new_",
    "copy",
    "lift_fresh",
)
"""Operations that put infinity on purpose, as masks do, or show memory that nobody has written."""
_MOST = 200


class Trace(TorchDispatchMode):
    """Finds operations with finite inputs and a non-finite output."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.found: list[NonFinite] = []
        self.in_backward = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket).removeprefix("aten.") if hasattr(func, "overloadpacket") else str(func)
        if len(self.found) < _MOST and not name.lstrip("_").startswith(_HARMLESS):
            try:
                self._look(name, args, result)
            except Exception as error:  # noqa: BLE001 - to look must not change what happens
                self.session.anomaly(f"tracing {name}", error)
        return result

    def _look(self, name: str, args: Any, result: Any) -> None:
        outputs = [t for t in tree_leaves(result) if isinstance(t, torch.Tensor) and t.is_floating_point()]
        bad = next((t for t in outputs if not bool(torch.isfinite(t).all())), None)
        if bad is None:
            return
        inputs = [t for t in tree_leaves(args) if isinstance(t, torch.Tensor) and t.is_floating_point()]
        if not all(bool(torch.isfinite(t).all()) for t in inputs):
            return
        kind = "nan" if bool(torch.isnan(bad).any()) else "inf"
        self.found.append(
            NonFinite(
                "operation",
                len(self.session.record.steps),
                kind,
                operation=name,
                module=self.session.calls.current(),
                where=here(4),
                during="backward" if self.in_backward else "forward",
            )
        )

    def origin(self, *, nan_wanted: bool) -> NonFinite | None:
        """Return the operation where it began: the first that made NaN if NaN arrived, else the first."""
        nans = [item for item in self.found if item.value == "nan"]
        chosen = nans if nan_wanted and nans else self.found
        return chosen[0] if chosen else None

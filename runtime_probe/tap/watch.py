"""Every call of torch during the first steps: loss functions, noise, time, finite checks, first NaN.

A TorchFunctionMode sees each call with its arguments, however the function was imported. It makes a
step about 1.3 times as long, so it is there for the warm-up only.
"""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from runtime_probe.record import LossCall, NonFinite, Where
from runtime_probe.tap.between import MOVES
from runtime_probe.tap.places import MADE_AT, directly, here
from runtime_probe.tap.reshapes import Reshapes
from runtime_probe.tap.rewards import reward_share
from runtime_probe.tap.statistics import describe, digest, follows
from runtime_probe.tap.terms import note_sum

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_HERE = os.path.dirname(__file__) + os.sep
_NOISE = "_convdiag_noise"
_NORMAL = Where()
"""Tag of normal noise; that of uniform noise is where it was drawn."""
_DATA = "_convdiag_data"
_DIFFERENCE = "_convdiag_difference"

LOSS_FUNCTIONS = frozenset(
    "cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss"
    " huber_loss kl_div gaussian_nll_loss poisson_nll_loss hinge_embedding_loss margin_ranking_loss"
    " cosine_embedding_loss triplet_margin_loss ctc_loss multi_margin_loss soft_margin_loss".split()
)
_ELEMENTWISE = frozenset("mse_loss l1_loss smooth_l1_loss huber_loss kl_div poisson_nll_loss".split())
"""Losses that compare element by element, and broadcast."""
_DRAWS = frozenset(
    "rand randn rand_like randn_like randint uniform_ normal_ normal randperm bernoulli multinomial".split()
)
_FINITE = frozenset(("isnan", "isinf", "isfinite"))
_HARMLESS = frozenset("masked_fill masked_fill_ where full full_like new_full fill_ triu tril setitem add add_".split())
"""Operations that put infinity on purpose: masks of attention."""
_CANDIDATES = 50
_PRODUCTS = frozenset(("matmul", "mm", "linear", "rmatmul"))
_COSINE = "_convdiag_cosine"
"""Tag of products of vectors of length 1."""
_ROUNDING = 1e-3
_DRAW = "_convdiag_draw"
"""Tag of normal noise: the number of its draw."""
_FEW_DRAWS, _FEW_WHOLE, _MANY_DRAWS = 4, 16, 1_000_000
"""Numbers of one draw that are compared with those of the step before; a few whole numbers repeat by chance."""


class Watch(TorchFunctionMode):
    """Looks at each call of torch while the session is watching."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.entered = False
        self.candidates: list[NonFinite] = []
        self.reshapes = Reshapes()
        self.noise_shapes: dict[tuple[int, ...], float] = {}
        self.normal_draws = 0
        self.mixed_draws: dict[int, tuple[int, ...]] = {}
        """Draws that were added to something, and the shape of the sum; 0 for noise that nobody knows."""
        self.drawn: list[tuple[str, Where]] = []
        """Digest and line of each draw of the current step."""
        self.drawn_before: list[tuple[str, Where]] | None = None
        self.draws: dict[str, list[int]] = {}
        """Number of elements of each draw of the current step, by function."""

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
        name = getattr(func, "__name__", "")
        if self.session.watching and name not in ("__get__", "__set__") and not _of_the_tap():
            try:
                with torch.no_grad():
                    self._look(name.strip("_") if name.startswith("__") else name, args, kwargs or {}, result)
            except Exception as error:  # noqa: BLE001 - to look must not change what happens
                self.session.anomaly(f"watching {name}", error)
        return result

    def _look(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        self.session.parts.note_result(name, [*_flat(args), *_flat(list(kwargs.values()))], result)
        if name in _DRAWS and isinstance(result, torch.Tensor):
            self._draw(name, result)
            return
        if name in _FINITE and args and isinstance(args[0], torch.Tensor) and args[0].numel() == 1:
            # Frameworks look at the loss too, to leave NaN out of their logs.
            where = directly(3)
            if where is not None:
                self.session.on_finite_check(where, float(args[0]))
            return
        if name in _PRODUCTS:
            self._cosine(name, args, result)
        if name in ("view", "reshape"):
            self.reshapes.note(args, result)
        if name in ("softmax", "log_softmax"):
            self._softmax(args, kwargs)
        if name in LOSS_FUNCTIONS:
            self._loss(name, args, kwargs, result)
        self._arithmetic(name, args, result)
        if isinstance(result, torch.Tensor) and result.is_floating_point():
            if result.numel() == 1 and result.requires_grad:
                _tag(result, MADE_AT, here(3))
                note_sum(name, args, result)
            if result.requires_grad or name in LOSS_FUNCTIONS:
                self._finite(name, args, result)

    def _arithmetic(self, name: str, args: Any, result: Any) -> None:
        if name in ("sub", "rsub") and len(args) >= 2:
            self._difference(args[0], args[1], result)
        elif name in ("pow", "square", "abs", "mul", "norm", "mean", "sum") and args:
            self._error(name, args, result)
        if name in ("mul", "rmul", "add", "radd", "sub", "rsub", "lerp") and len(args) >= 2:
            self._mixed(name, args[0], args[1], result)

    def _draw(self, name: str, result: torch.Tensor) -> None:
        """Count a draw, and mark what may be noise."""
        calls = self.session.record.features.calls
        self.draws.setdefault(name.removesuffix("_like").rstrip("_"), []).append(result.numel())
        calls[name] = calls.get(name, 0) + 1
        # A digest does not see an order, and a permutation is nothing else.
        enough = _FEW_DRAWS if result.is_floating_point() else _FEW_WHOLE
        compared = name != "randperm" and enough <= result.numel() <= _MANY_DRAWS
        if self.session.course.in_phase and compared:
            self.drawn.append((digest([result]), here(4)))
        if name in ("rand", "rand_like") and result.dim() > 1:
            _tag(result, _NOISE, here(4))
            self.noise_shapes.setdefault(tuple(result.shape), 0.0)
        if name.startswith(("randn", "normal")) and result.dim() > 1:
            _tag(result, _NOISE, _NORMAL)
            self.normal_draws += 1
            _tag(result, _DRAW, self.normal_draws)
            self.noise_shapes[tuple(result.shape)] = float(result.float().std()) if result.numel() > 1 else 0.0

    def _softmax(self, args: Any, kwargs: Any) -> None:
        """Note one along the batch; scores of all pairs of a batch are square, and go both ways."""
        given = args[0] if args else kwargs.get("input")
        dimension = kwargs.get("dim", args[1] if len(args) > 1 else None)
        if not isinstance(given, torch.Tensor) or given.dim() < 2 or dimension not in (0, -given.dim()):
            return
        sizes = {shapes[0][0] for shapes in self.session.calls.sizes.values() if shapes and shapes[0]}
        found = self.session.record.softmax_over_batch
        rows, where = given.shape[0], here(4)
        if rows > 1 and rows in sizes and rows != given.shape[1] and str(where) not in {str(known) for known in found}:
            found.append(where)

    def _cosine(self, name: str, args: Any, result: Any) -> None:
        """Tag products of vectors of length 1: they lie between -1 and 1."""
        if not isinstance(result, torch.Tensor) or result.dim() != 2 or result.numel() > _MANY_DRAWS or len(args) < 2:
            return
        a, b = args[0], args[1]
        rows = b if name == "linear" else b.movedim(-2, -1)
        if _of_length_one(a) and _of_length_one(rows):
            _tag(result, _COSINE, True)

    def _loss(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        given = args[0] if args else kwargs.get("input")
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if not isinstance(given, torch.Tensor) or not isinstance(target, torch.Tensor):
            return
        record = self.session.record
        if name not in record.features.loss_functions:
            record.features.loss_functions.append(name)
        call = _call(name, given, target, result, len(record.steps))
        if name in ("cross_entropy", "nll_loss") and not target.is_floating_point():
            dimension = 1 if given.dim() > 1 else 0
            call.classes = given.shape[dimension]
            call.cosine = getattr(given, _COSINE, False)
            smoothing = kwargs.get("label_smoothing", args[7] if len(args) > 7 else 0.0)
            weight = kwargs.get("weight", args[2] if len(args) > 2 else None)
            call.weighted = weight is not None or bool(smoothing)
            kept = target[target >= 0]
            if isinstance(weight, torch.Tensor):
                call.weights_follow = follows(weight, torch.bincount(kept.flatten(), minlength=len(weight)))
            call.classes_seen = int(kept.unique().numel())
            call.top_share = _top_share(kept, call.classes)
            sums = given.float().sum(dim=dimension)
            call.sums_to_one = bool((given >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3))
            shares = given.float().logsumexp(dim=dimension)
            call.log_normalized = bool(torch.allclose(shares, torch.zeros_like(shares), atol=1e-3))
            self.session.padding.note_loss(
                target,
                ignored=kwargs.get("ignore_index", args[4] if len(args) > 4 else -100),
                kept_apart=call.weighted or not isinstance(result, torch.Tensor) or result.dim() > 0,
            )
        if name in _ELEMENTWISE:
            call.reward_share = reward_share(target)
        self._note_draw(target)
        self.session.pull.note_compared(given, target, name, call.where)
        positive = kwargs.get("pos_weight", args[5] if len(args) > 5 else None)
        if name == "binary_cross_entropy_with_logits" and isinstance(positive, torch.Tensor) and positive.numel() == 1:
            shares = torch.stack([(target < 0.5).sum(), (target >= 0.5).sum()])
            call.weights_follow = follows(torch.stack([torch.ones_like(positive), positive]).flatten(), shares)
        if given.requires_grad:
            call.target_learns = name in _ELEMENTWISE and target.grad_fn is not None
            if call.classes:
                call.scrambled = self.session.calls.between.scrambled(given, call.classes)
            self._keep(call, target)
        if name in _ELEMENTWISE and given.requires_grad != target.requires_grad and _spreads(given, target):
            self._note_broadcast(call)

    def _keep(self, call: LossCall, target: torch.Tensor) -> None:
        record = self.session.record
        same = [c for c in record.loss_calls if (c.function, str(c.where)) == (call.function, str(call.where))]
        if len(same) < 3:
            record.loss_calls.append(call)
        if not same:
            statistics = describe("target", call.function, target)
            statistics.where = call.where
            record.statistics.append(statistics)
        self.session.note_target(target)

    def _broadcast(self, call: LossCall) -> None:
        a, b = call.input_shape, call.target_shape
        column = len(a) == 2 and len(b) == 1 and a == [b[0], 1] and b[0] > 1
        row = len(b) == 2 and len(a) == 1 and b == [a[0], 1] and a[0] > 1
        if column or row:
            self._note_broadcast(call)

    def _note_broadcast(self, call: LossCall) -> None:
        known = {str(c.where) for c in self.session.record.broadcasts}
        if str(call.where) not in known:
            self.session.record.broadcasts.append(call)

    def _difference(self, a: Any, b: Any, result: Any) -> None:
        if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)) or not result.requires_grad:
            return
        if a.requires_grad == b.requires_grad:
            return
        given, target = (a, b) if a.requires_grad else (b, a)
        if given.dim() == 0 or target.dim() == 0:
            return
        _tag(result, _DIFFERENCE, (given, target, here(4)))
        if given.shape != target.shape:
            self._broadcast(_call("subtract", given, target, None, len(self.session.record.steps)))

    def _error(self, name: str, args: Any, result: Any) -> None:
        difference = getattr(args[0], _DIFFERENCE, None)
        if difference is None or name in ("mean", "sum"):
            return
        if name == "pow" and not (len(args) > 1 and args[1] == 2):
            return
        if name == "mul" and not (len(args) > 1 and args[1] is args[0]):
            return
        given, target, where = difference
        call = _call("subtract", given, target, result.mean(), len(self.session.record.steps))
        call.where = where
        if "subtract" not in self.session.record.features.loss_functions:
            self.session.record.features.loss_functions.append("subtract")
        self._note_draw(target)
        self._keep(call, target)
        self.session.pull.note_compared(given, target, "a difference", where)

    def _note_draw(self, target: torch.Tensor) -> None:
        """A loss compares with noise as it was drawn: is it that which was mixed with the data?"""
        draw, mixed = _draw_of(target), [d for d, shape in self.mixed_draws.items() if shape == tuple(target.shape)]
        if draw and mixed and draw not in mixed:
            self.session.record.features.other_noise = here(4)

    def _mixed(self, name: str, a: Any, b: Any, result: Any) -> None:
        """Noise that is scaled stays noise; what is added to it is the data."""
        tags = [getattr(x, _NOISE, None) if isinstance(x, torch.Tensor) else None for x in (a, b)]
        noisy = [tag is not None for tag in tags]
        tag = tags[0] or tags[1]
        if not isinstance(result, torch.Tensor):
            return
        if name in ("mul", "rmul"):
            if any(noisy):
                _tag(result, _NOISE, tag)
                _tag(result, _DRAW, _draw_of(a) or _draw_of(b))
                if result.requires_grad and result.numel() > 1:
                    calls = self.session.record.features.calls
                    calls["scaled noise"] = calls.get("scaled noise", 0) + 1
            elif tuple(result.shape) in self.noise_shapes:
                for x in (a, b):
                    if isinstance(x, torch.Tensor) and x.shape == result.shape and not x.requires_grad:
                        _tag(result, _DATA, x)
        elif sum(noisy) == 1:
            other, noise = (b, a) if noisy[0] else (a, b)
            self.mixed_draws[_draw_of(noise)] = tuple(result.shape)
            data = other if name == "lerp" else getattr(other, _DATA, None)
            features = self.session.record.features
            if isinstance(data, torch.Tensor) and tag is not _NORMAL:
                features.uniform_noise = features.uniform_noise or tag
            elif isinstance(data, torch.Tensor) and not features.data_std:
                statistics = describe("data", "", data)
                features.data_std = statistics.std
                features.noise_std = self.noise_shapes.get(tuple(result.shape))

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

    def compare_draws(self) -> None:
        """Were all random numbers of this step drawn in the one before, too? Both were watched as a whole."""
        features, drawn = self.session.record.features, self.drawn
        if drawn and self.session.course.in_phase > 1:
            if self.drawn_before is not None:
                features.draws_compared = True
                if {n for n, _ in drawn} <= {n for n, _ in self.drawn_before}:
                    features.draws_repeated = drawn[0][1]
            self.drawn_before = drawn
        self.drawn = []

    def next_step(self) -> None:
        """Forget what belonged to one step."""
        self.compare_draws()
        self.candidates.clear()
        self.draws.clear()
        self.mixed_draws.clear()
        self.session.forget_step()


def _of_length_one(rows: torch.Tensor) -> bool:
    """Whether the vectors (..., D) have length 1, asked of one and then of all."""
    first = rows.flatten(0, -2)[:1]
    if rows.dim() < 2 or not rows.is_floating_point() or abs(float(first.norm()) - 1.0) > _ROUNDING:
        return False
    return bool(((rows.norm(dim=-1) - 1.0).abs() < _ROUNDING).all())


def _draw_of(value: Any) -> int:
    return getattr(value, _DRAW, 0) if isinstance(value, torch.Tensor) else 0


def _of_the_tap() -> bool:
    """Whether the probe itself made the call that is looked at, or what it does would be traced into a graph."""
    return torch.jit.is_tracing() or sys._getframe(2).f_code.co_filename.startswith(_HERE)


def _call(name: str, given: torch.Tensor, target: torch.Tensor, result: Any, step: int) -> LossCall:
    value = float(result) if isinstance(result, torch.Tensor) and result.numel() == 1 else math.nan
    return LossCall(
        function=name,
        value=value,
        where=here(4),
        input_shape=list(given.shape),
        target_shape=list(target.shape),
        input_minimum=float(given.min()) if given.numel() else 0.0,
        input_maximum=float(given.max()) if given.numel() else 0.0,
        target_minimum=float(target.min()) if target.numel() else 0.0,
        target_maximum=float(target.max()) if target.numel() else 0.0,
        target_dtype=str(target.dtype).removeprefix("torch."),
        made_by=_maker(given.grad_fn),
        step=step,
    )


def _becomes_table(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether broadcasting pairs more than either holds; equal ranks are meant: pairs of quantiles, distances."""
    if a.dim() == b.dim() or not a.dim() or not b.dim():
        return False
    return math.prod(torch.broadcast_shapes(a.shape, b.shape)) > max(a.numel(), b.numel())


def _spreads(a: torch.Tensor, b: torch.Tensor) -> bool:
    return _becomes_table(a, b) or _stretched(a, b)


def _stretched(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether one of two tensors of equal rank is repeated to be as large as the other: loss functions warn of it."""
    if a.dim() != b.dim() or a.shape == b.shape:
        return False
    return math.prod(torch.broadcast_shapes(a.shape, b.shape)) == max(a.numel(), b.numel())


def _maker(node: Any) -> str:
    """Name of the operation that made the values of a tensor; what only moves or picks them is passed by."""
    for _ in range(8):
        if node is None:
            return ""
        name = node.name()
        if not name.startswith(MOVES) or not node.next_functions:
            return str(name)
        node = node.next_functions[0][0]
    return ""


def _top_share(target: torch.Tensor, classes: int) -> float:
    if classes < 10 or not target.numel():
        return 0.0
    counts = torch.bincount(target.flatten(), minlength=classes).sort(descending=True).values
    return float(counts[: max(1, classes // 10)].sum() / counts.sum())


def _flat(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for item in value for t in _flat(item)] if isinstance(value, (list, tuple)) else []


def _tag(tensor: torch.Tensor, name: str, value: Any) -> None:
    setattr(tensor, name, value)

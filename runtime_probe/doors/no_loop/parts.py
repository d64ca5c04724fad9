"""A tensor of a made-up batch: what is assumed of it, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from runtime_probe.doors import words

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOAT, IDS, BOOL = "float", "ids", "bool"
_WIDTH, _TOKENS, _IMAGE = 9, 12, 32


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor (n, *shape)."""

    name: str
    kind: str = FLOAT
    shape: tuple[int, ...] = ()
    high: int = 2
    """Ids are below it."""
    target: bool = False
    """It is compared with the output."""
    unit: bool = False
    """Numbers between 0 and 1: times, images, targets that any output layer can reach."""

    def draw(self, n: int) -> torch.Tensor:
        """Return (n, *shape), without anything that the checks of the data would have to be told about."""
        size = (n, *self.shape)
        if self.kind == IDS:
            return torch.randint(self.high, size)
        if self.kind == BOOL:
            return torch.ones(size, dtype=torch.bool)
        return 0.05 + 0.9 * torch.rand(size) if self.unit else torch.randn(size)

    def shaped(self, *shape: int) -> Part:
        """The same with another shape."""
        return replace(self, shape=shape)

    def __str__(self) -> str:
        kind = f"ids below {self.high}" if self.kind == IDS else self.kind
        return f"{self.name} ({', '.join(['n', *map(str, self.shape)])}) {kind}"


def guess(name: str, model: nn.Module, sizes: Mapping[str, Any], annotation: Any = None) -> Part:
    """First guess at an input, by its name, the sizes the model was made with, and its first layers."""
    first = _first_layer(model)
    if words.is_time(name):
        return Part(name, unit=True)
    if "mask" in name.lower():
        return Part(name, BOOL, (_TOKENS,))
    if words.is_tokens(name) or "Long" in str(annotation) or (isinstance(first, nn.Embedding) and _takes_one(model)):
        # The first table is that of the tokens, others are of positions or segments.
        table = next((m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)), 10)
        return Part(name, IDS, (_length(sizes),), high=table)
    if isinstance(first, nn.modules.conv._ConvNd) and (words.is_image(name) or _takes_one(model)):
        return of_convolution(Part(name, unit=True), first)
    if words.is_image(name):
        return Part(name, FLOAT, (3, _IMAGE, _IMAGE), unit=True)
    if isinstance(first, nn.RNNBase) and _takes_one(model):
        return Part(name, FLOAT, (_TOKENS, first.input_size))
    width = _width(name, sizes)
    if width is None or (_takes_one(model) and not words.is_target(name)):
        width = first.in_features if isinstance(first, nn.Linear) else width or _WIDTH
    return Part(name, FLOAT, (width,))


def of_convolution(part: Part, layer: nn.Module) -> Part:
    """An input that a convolution takes: (channels, size, ...)."""
    dimensions = len(layer.kernel_size)
    size = _IMAGE if dimensions > 1 else 2 * _IMAGE
    return part.shaped(layer.in_channels, *[size] * dimensions)


def target_like(output: torch.Tensor, criterion: str, name: str = "target") -> Part:
    """The target of a loss of torch for an output (n, ...): of the same shape, or ids of its classes."""
    if criterion in words.OF_CLASSES and output.dim() > 1:
        axis = 1 if output.dim() != 3 else -1
        rest = output.shape[1:-1] if axis == -1 else output.shape[2:]
        return Part(name, IDS, tuple(rest), high=output.shape[axis], target=True)
    return Part(name, FLOAT, tuple(output.shape[1:]), target=True, unit=True)


def classes(model: nn.Module, sizes: Mapping[str, Any]) -> int:
    """Number of classes of a classifier: by the sizes it was made with, or by its last layer."""
    words_for_it = ("class", "bins", "vocab", "label")
    named = next((v for k, v in sizes.items() if any(w in k.lower() for w in words_for_it) and v > 1), 0)
    return named or next((m.out_features for m in reversed(list(model.modules())) if isinstance(m, nn.Linear)), 2)


def _first_layer(model: nn.Module) -> Any:
    kinds = (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding, nn.RNNBase)
    return next((module for module in model.modules() if isinstance(module, kinds)), None)


def _takes_one(model: nn.Module) -> bool:
    code = getattr(type(model).forward, "__code__", None)
    defaults = len(type(model).forward.__defaults__ or ()) if code is not None else 0
    return code is not None and code.co_argcount - defaults == 2


def _width(name: str, sizes: Mapping[str, Any]) -> int | None:
    for key in words.width_keys(name):
        for size, value in sizes.items():
            if key in f"{size.lower()}" and isinstance(value, int) and 0 < value < 4096:
                return value
    return None


def _length(sizes: Mapping[str, Any]) -> int:
    """Length of a sequence; no longer than what the model was made for."""
    known = [
        v for k, v in sizes.items() if any(w in k.lower() for w in ("block", "len", "context", "horizon", "n_ctx"))
    ]
    limits = [value for value in known if isinstance(value, int) and value > 1]
    return min([_TOKENS, *limits])

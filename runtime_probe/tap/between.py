"""What happens to numbers between two layers, and between the model and its loss."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from runtime_probe.record import Record

MOVES = (
    "View", "UnsafeView", "Reshape", "Squeeze", "Unsqueeze", "Select", "Slice", "Gather", "Index", "Permute",
    "Transpose", "TBackward", "Clone", "ToCopy", "Expand", "Alias",
)  # fmt: skip
"""Beginnings of names of autograd nodes whose output holds values of their input as they are."""
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm, nn.LayerNorm)
_DROPS = nn.modules.dropout._DropoutNd
_MOST_MOVES = 8
_MOST_PAIRS = 8
_MOST_ELEMENTS = 4_000_000


def _width(module: nn.Module) -> tuple[int, int] | None:
    """Inputs and outputs of a linear layer, or of a convolution that looks around in all channels; else None."""
    if type(module) is nn.Linear:
        return module.in_features, module.out_features
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and module.groups == 1 and max(module.kernel_size) > 1:
        return module.in_channels, module.out_channels
    return None


class Between:
    """Remembers what came out of layers while every module is watched."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.linear: dict[int, tuple[weakref.ref[torch.Tensor], int, nn.Module]] = {}
        """By the id of an output: the linear layer or convolution that it is of, normalized by its batch or not."""
        self.normalized: dict[int, nn.Module] = {}
        """By the id of a normalization, or of dropout: the layer whose output it was given."""
        self.outputs: list[weakref.ref[torch.Tensor]] = []
        """What the outermost modules returned last."""

    def out_of(self, module: nn.Module, output: Any, *, outer: bool) -> None:
        """A module has returned."""
        source = module if _width(module) is not None else self.normalized.pop(id(module), None)
        if source is not None:
            self.linear[id(output)] = (weakref.ref(output), output._version, source)
        if outer:
            self.outputs += [weakref.ref(t) for _, t in tensors(output) if t.requires_grad and t.dim() > 1]
            del self.outputs[:-_MOST_PAIRS]

    def into(self, module: nn.Module, value: Any, root: nn.Module) -> None:
        """A layer is called: with the output of a linear one, as it is?"""
        width = _width(module)
        normalizes = isinstance(module, (*_NORMS, _DROPS))
        if id(value) not in self.linear or not (width or normalizes):
            return
        kept, version, first = self.linear[id(value)]
        same = kept()
        # An activation in place leaves the same tensor, in another version.
        if same is None or same is not value or same._version != version:
            return
        before = _width(first)
        if normalizes or width is None or before is None:
            if not isinstance(module, (nn.LayerNorm, _DROPS)) or _in_a_row(root, first, module):
                self.normalized[id(module)] = first
            return
        # A bottleneck (low rank, a shared embedding) is linear on purpose.
        narrow = before[1] < min(before[0], width[1])
        if narrow or len(self.record.linear_pairs) >= _MOST_PAIRS:
            return
        names = {id(m): name for name, m in root.named_modules()}
        title = type(root).__name__
        # A layer of another module may stand in a branch beside a residual connection.
        apart = names.get(id(first), "").rpartition(".")[0] != names.get(id(module), "").rpartition(".")[0]
        if apart and not _in_a_row(root, first, module):
            return
        pair = " > ".join(f"{title}.{names[id(m)]}" if names.get(id(m)) else title for m in (first, module))
        if pair not in self.record.linear_pairs:
            self.record.linear_pairs.append(pair)

    def scrambled(self, given: torch.Tensor, classes: int) -> bool:
        """Return whether predictions at a loss mix numbers that belong to different outputs of the model.

        Asked where nothing but views stands between the two: what one prediction is made of must then lie along one
        dimension of the output. `view(B, C, T)` of a (B, T, C) output has the right shape and the wrong numbers.

        Args:
            given: (N, C) or (N, C, ...), the input of a loss.
            classes: C.
        """
        output = self._source(given)
        if output is None or classes < 2 or given.dim() < 2 or given.numel() > _MOST_ELEMENTS or output is given:
            return False
        with torch.enable_grad():
            rows = given.movedim(1, -1).reshape(-1, classes)
            asked = [rows[row].sum() for row in sorted({0, len(rows) // 2, len(rows) - 1})]
        for one in asked:
            (seen,) = torch.autograd.grad(one, output, retain_graph=True, allow_unused=True)
            if seen is None:
                return False
            places = seen.nonzero()
            if len(places) == classes and sum(len(column.unique()) > 1 for column in places.T) > 1:
                return True
        return False

    def _source(self, given: torch.Tensor) -> torch.Tensor | None:
        """Return the output of a model that a tensor is a view of, or a copy in another order."""
        outputs = {found.grad_fn: found for kept in self.outputs if (found := kept()) is not None and found.dim() > 2}
        node: Any = given.grad_fn
        for _ in range(_MOST_MOVES):
            if node is None or node in outputs:
                return outputs.get(node)
            if not node.name().startswith(MOVES) or not node.next_functions:
                return None
            node = node.next_functions[0][0]
        return None


def _in_a_row(root: nn.Module, first: nn.Module, second: nn.Module) -> bool:
    """Whether nothing but a norm or dropout stands between two layers of nested Sequentials.

    Elsewhere a norm may end an embedding, or begin a block.
    """
    for module in root.modules():
        row = _flat(module) if isinstance(module, nn.Sequential) else []
        places = [next((place for place, layer in enumerate(row) if layer is one), None) for one in (first, second)]
        if places[0] is not None and places[1] is not None and places[0] < places[1]:
            return all(isinstance(layer, (*_NORMS, _DROPS)) for layer in row[places[0] + 1 : places[1]])
    return False


def _flat(row: nn.Sequential) -> list[nn.Module]:
    return [inner for layer in row for inner in (_flat(layer) if isinstance(layer, nn.Sequential) else [layer])]


def maker(node: Any) -> str:
    """Return the name of the operation that made the values of a tensor; what only moves or picks them is passed by."""
    for _ in range(8):
        if node is None:
            return ""
        name = node.name()
        if not name.startswith(MOVES) or not node.next_functions:
            return str(name)
        node = node.next_functions[0][0]
    return ""

"""Where nodes stand in the text, without paying for libcst's position metadata.

libcst keeps no positions: its PositionProvider writes the module out again and counts characters at
every token, which takes twice as long as parsing. Writing it out is cheap; counting is not. So this
state notes only how many tokens stood before and after a node, and the offsets come from one
running sum at the end.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from libcst._nodes.internal import CodegenState

from convdiag_lint.reading.syntax import Span

if TYPE_CHECKING:
    from types import TracebackType

    import libcst as cst

Marks = dict[int, Span]


class _Mark:
    __slots__ = ("end", "key", "marks", "start", "tokens")

    def __init__(self, marks: Marks, key: int, tokens: list[str], end: int) -> None:
        self.marks = marks
        self.key = key
        self.tokens = tokens
        self.end = end

    def __enter__(self) -> None:
        self.start = len(self.tokens)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A block writes its line end and the comments below it; its statements end before them.
        end = self.marks.get(self.end)
        self.marks[self.key] = (self.start, len(self.tokens) if end is None else end[1])


class _Counting(CodegenState):
    """Code generation that remembers token counts by the identity of the node."""

    provider: Marks
    """A slotted parent would take no new attribute; this one is free."""

    # libcst makes a context manager of a generator; a plain object in its place takes a fraction of the time.
    def record_syntactic_position(  # type: ignore[override]
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> _Mark:
        return _Mark(self.provider, id(node), self.tokens, id(end_node))


def spans(tree: cst.Module) -> Marks:
    """Character offsets (start, end) of every node with a syntactic position, by `id(node)`."""
    marks: Marks = {}
    state = _Counting(tree.default_indent, tree.default_newline, marks)
    tree._codegen(state)
    offsets = [0, *accumulate(map(len, state.tokens))]
    last = len(offsets) - 1
    return {key: (offsets[min(start, last)], offsets[min(end, last)]) for key, (start, end) in marks.items()}

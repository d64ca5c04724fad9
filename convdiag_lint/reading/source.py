"""Bytes of a file to text, or one line that says why not."""

from __future__ import annotations

import io
import re
import tokenize
from itertools import accumulate


class SourceError(Exception):
    """A file that cannot be read as Python: the place and the reason, in one line."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_BRACKET = re.compile(r"[()\[\]{}]")
_DEEPEST = 200
"""Brackets within brackets; Python's own tokenizer refuses more."""
_LONGEST = 20_000
"""Characters of a line; operators chained over more than this end the parser's process."""


def refuse_abyss(text: str) -> None:
    """Raise SourceError for nesting that a recursive parser would not come back from."""
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += 1 if match[0] in "([{" else -1
        if depth > _DEEPEST:
            raise SourceError("too deeply nested to be read", text.count("\n", 0, match.start()) + 1)
    if max(map(len, text.split("\n"))) > _LONGEST:
        raise SourceError("a line is too long to be source written by a person")


def decode(data: bytes) -> str:
    """Text of a source file by its byte order mark, its coding line, or UTF-8. Raises SourceError."""
    if b"\0" in data:
        raise SourceError("source holds NUL bytes: not a Python file?")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"cannot be decoded: {error}".splitlines()[0]) from error


def line_starts(text: str) -> list[int]:
    """Offset of each line's first character, and the length of the text at the end."""
    # Not splitlines(): Python does not end a line at a form feed or a Unicode separator.
    if "\r" not in text:
        return [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    return [0, *accumulate(map(len, _LINE.findall(text)))]

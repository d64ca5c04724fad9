"""Bytes of a file to text, or one line that says why not."""

from __future__ import annotations

import io
import tokenize


class SourceError(Exception):
    """A file that cannot be read as Python: the place and the reason, in one line."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def decode(data: bytes) -> str:
    """Text of a source file by its byte order mark, its coding line, or UTF-8. Raises SourceError."""
    if b"\0" in data:
        raise SourceError("source holds NUL bytes: not a Python file?")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"cannot be decoded: {error}".splitlines()[0]) from error

"""Bytes of a file to the lines that people, and flake8, see."""

from __future__ import annotations

import io
import tokenize


def encoding_of(data: bytes) -> str:
    """Return the encoding that the file declares (PEP 263, or a byte order mark).

    Latin-1, which can read anything, stands in for an unknown encoding, as it does in flake8.
    """
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        return "latin-1"


def lines_of(data: bytes) -> list[str]:
    """Return the physical lines with their ends, newlines made equal, without a byte order mark."""
    for encoding in (encoding_of(data), "latin-1"):
        try:
            with io.TextIOWrapper(io.BytesIO(data), encoding=encoding) as text:
                lines = text.readlines()
        except (UnicodeError, LookupError):
            continue
        if lines:
            lines[0] = lines[0].removeprefix("\ufeff")
        return lines
    return []

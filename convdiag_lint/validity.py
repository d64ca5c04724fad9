"""Whether bytes are Python at all, found out cheaply, and said in one line where they are not."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass

_BRACKET = re.compile(rb"[()\[\]{}]")
_DEEPEST = 200
"""Brackets within brackets; Python's own tokenizer refuses more."""
_TOO_DEEP = "too deeply nested to be read"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file could not be checked; line 0 where the reason has no place in the text."""

    message: str
    line: int = 0
    column: int = 0


def problem_in(data: bytes) -> Problem | None:
    """Say why `data` is not Python source, or None if it is.

    Python's own parser is asked first: it is fast, and it refuses nesting that would end the
    process if a parser written with plain recursion met it. It does not know syntax newer than
    itself, so what it rejects gets a second opinion from libcst, which does.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        return _second_opinion(data, error)
    except (RecursionError, MemoryError):
        return Problem(_TOO_DEEP)
    except ValueError:
        # Python up to 3.11 says this of NUL bytes, later versions raise SyntaxError.
        return _of_bytes(data) or Problem("cannot be read as Python")
    return None


def _second_opinion(data: bytes, error: SyntaxError) -> Problem | None:
    if "too many nested" in str(error.msg) or _depth(data) > _DEEPEST:
        return Problem(_TOO_DEEP, error.lineno or 0, error.offset or 0)
    of_bytes = _of_bytes(data)
    if of_bytes:
        return of_bytes
    import libcst as cst  # noqa: PLC0415 - only files that Python rejects pay for it

    try:
        cst.parse_module(data)
    except Exception:  # noqa: BLE001 - whatever it is, Python's own message is the clearer one
        message = str(error.msg)
        if error.lineno is None:
            return Problem(message)
        return Problem(f"syntax error: {message}", error.lineno, max(error.offset or 1, 1))
    return None


def _of_bytes(data: bytes) -> Problem | None:
    """Problems of the bytes themselves, which parsers report in words of their own."""
    at = data.find(b"\0")
    if at >= 0:
        return Problem("contains NUL bytes", data.count(b"\n", 0, at) + 1, 1)
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        data.decode(encoding)
    except SyntaxError as error:
        missing = "invalid or missing" in str(error.msg)
        return Problem("not utf-8 text, and no encoding declared" if missing else str(error.msg), 1, 1)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(f"not {error.encoding} text", line, 1)
    return None


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for match in _BRACKET.finditer(data):
        depth += 1 if match[0] in b"([{" else -1
        deepest = max(deepest, depth)
    return deepest

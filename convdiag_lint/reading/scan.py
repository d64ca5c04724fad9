"""Names in a file's bytes that are called, without parsing it."""

from __future__ import annotations

import re

# Read backwards, a call begins with its bracket and ends with the name: each bracket is looked at
# once, where a search for a name with a bracket after it tries every letter of every word.
_CALLED = re.compile(rb"\(\s*(\w+)([ \t]+fed\b)?")


def called(data: bytes) -> set[bytes]:
    """Names before an opening bracket, those of definitions aside."""
    return {name[::-1] for name, definition in set(_CALLED.findall(data[::-1])) if not definition}

"""Runs a training script for ten steps on a batch of four, and says what keeps it from converging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convdiag_lint import __version__ as __version__

if TYPE_CHECKING:
    from runtime_probe.doors.smoke import smoke_test as smoke_test

__all__ = ["__version__", "smoke_test"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import, and most of this package does without.
    if name == "smoke_test":
        from runtime_probe.doors.smoke import smoke_test  # noqa: PLC0415

        return smoke_test
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Runs a training script for ten steps on a batch of four, and says what keeps it from converging."""

from convdiag_lint import __version__ as __version__

"""Measurements to verdicts; one file a check."""

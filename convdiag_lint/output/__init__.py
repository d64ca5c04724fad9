"""Findings to text and to JSON."""

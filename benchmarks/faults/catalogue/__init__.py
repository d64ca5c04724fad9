"""Families of faults; one file a family."""

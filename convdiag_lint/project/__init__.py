"""Whole projects: which files there are, what names in them refer to, what runs in what order."""

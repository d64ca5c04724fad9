"""Hooks into torch, inside the script's own process: measurements and events, no verdicts."""

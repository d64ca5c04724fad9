"""Runs the user's command with the tap inside, and ends everything that it started."""

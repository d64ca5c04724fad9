"""Source to events: bytes, syntax, names; one module at a time."""

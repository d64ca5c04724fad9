"""Ways into the probe other than a launch command: objects in hand, a test, a file without a loop."""

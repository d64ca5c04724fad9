"""The loss curve, as a CSV file."""

import csv
from pathlib import Path


class MetricsLog:
    """Writes a row every `every` steps, so that a spike between epochs is not lost."""

    def __init__(self, path, every):
        """Start a new file at `path`."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # Line by line, so that the curve survives a run that ends in an exception.
        self.file = open(path, "w", newline="", buffering=1)
        self.writer = csv.writer(self.file)
        self.every = every
        self.header = None

    def log(self, step, **metrics):
        """Record numbers such as loss and grad_norm at `step`, on file and on the terminal."""
        if step % self.every:
            return
        if self.header is None:
            self.header = ["step", *metrics]
            self.writer.writerow(self.header)
        self.writer.writerow([step, *metrics.values()])
        print(f"step {step:5d}", *(f"{name} {value:.4f}" for name, value in metrics.items()))

    def close(self):
        """Flush the file."""
        self.file.close()

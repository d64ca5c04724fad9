"""The loop; subclasses make the optimizer, and nobody clears."""

from abc import ABC, abstractmethod


class Loop(ABC):
    optimizer = None

    def __init__(self, model):
        self.model = model

    @abstractmethod
    def setup(self, lr):
        ...

    def run(self, loader):
        for batch in loader:
            loss = self.model(batch).mean()
            loss.backward()
            self.optimizer.step()  # CVG103

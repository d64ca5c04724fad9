"""The loop; how gradients are clipped depends on how the model is distributed."""

from abc import ABC, abstractmethod


class TrainingStrategy(ABC):
    def __init__(self, model, optimizer, scheduler, max_grad_norm):
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.max_grad_norm = max_grad_norm

    @abstractmethod
    def clip_grad_norm(self):
        ...

    def run(self, loader, metrics):
        self.model.train()
        self.optimizer.zero_grad()
        for batch in loader:
            loss = self.model(**batch).loss
            metrics.commit(loss=loss)
            loss.backward()
            self.clip_grad_norm()
            self.optimizer.step()
            self.scheduler.step()
            self.optimizer.zero_grad()

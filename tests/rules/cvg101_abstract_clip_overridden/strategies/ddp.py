"""Plain data parallelism."""

import torch
from strategies.base import TrainingStrategy


class DataParallel(TrainingStrategy):
    def clip_grad_norm(self):
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=self.max_grad_norm)

"""Sharded: a norm needs all shards, so the model does it."""

from strategies.base import TrainingStrategy


class Sharded(TrainingStrategy):
    def clip_grad_norm(self):
        self.model.clip_grad_norm_(max_norm=self.max_grad_norm)

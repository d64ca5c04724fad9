"""A trainer's subclass with a loop of its own gets none of the trainer's clipping."""

from transformers import Trainer


class OnlineTrainer(Trainer):
    def __init__(self, rollouts, **kwargs):
        super().__init__(**kwargs)
        self.rollouts = rollouts

    def train(self):
        self.create_optimizer_and_scheduler(num_training_steps=len(self.rollouts))
        for batch in self.rollouts:
            batch = self._prepare_inputs(batch)
            loss = self.compute_loss(self.model, batch)
            self.accelerator.backward(loss)
            self.optimizer.step()  # CVG101
            self.lr_scheduler.step()
            self.optimizer.zero_grad()

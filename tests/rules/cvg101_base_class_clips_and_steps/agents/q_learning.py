"""Its update clips under a name that does not say so."""

import torch
from agents.base import Agent


class QLearning(Agent):
    def learn(self, batch):
        state, action, target = batch
        q = self.network(state).gather(1, action)
        self.descend(torch.nn.functional.smooth_l1_loss(q, target))

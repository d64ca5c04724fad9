"""Optimizers behind keys."""

import torch


class Learner:
    def __init__(self, actor, critic, lr):
        self.nets = {"actor": actor, "critic": critic}
        self.optimizers = {name: torch.optim.Adam(net.parameters(), lr=lr) for name, net in self.nets.items()}

    def update_critic(self, observation, action, target):
        loss = (self.nets["critic"](observation, action) - target).pow(2).mean()
        self.optimizers["critic"].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.nets["critic"].parameters(), 10.0)
        self.optimizers["critic"].step()

    def update_actor(self, observation):
        loss = -self.nets["critic"](observation, self.nets["actor"](observation)).mean()
        self.optimizers["actor"].zero_grad()
        loss.backward()
        self.optimizers["actor"].step()  # CVG101

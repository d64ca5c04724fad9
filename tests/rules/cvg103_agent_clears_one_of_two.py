"""Two optimizers of one agent: the actor's gradients are cleared, the critic's pile up."""

import torch
from torch.nn import functional


class Agent:
    def __init__(self, actor, critic, epochs):
        self.actor, self.critic, self.epochs = actor, critic, epochs
        self.opt_actor = torch.optim.Adam(actor.parameters(), lr=3e-4)
        self.opt_critic = torch.optim.Adam(critic.parameters(), lr=3e-4)

    def learn(self, loader):
        for _ in range(self.epochs):
            for state, action, target in loader:
                critic_loss = functional.mse_loss(self.critic(state, action), target)
                critic_loss.backward()
                self.opt_critic.step()  # CVG103

                actor_loss = -self.critic(state, self.actor(state)).mean()
                self.opt_actor.zero_grad()
                actor_loss.backward()
                self.opt_actor.step()

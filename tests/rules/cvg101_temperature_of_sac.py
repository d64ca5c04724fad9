"""The temperature is one number: its optimizer needs no clipping."""

import torch
from torch.nn.utils import clip_grad_norm_


class SAC:
    def __init__(self, actor, critic, action_dim, lr=3e-4):
        self.actor, self.critic = actor, critic
        self.target_entropy = -float(action_dim)
        self.log_alpha = torch.zeros(1, requires_grad=True)
        self.actor_optimizer = torch.optim.Adam(actor.parameters(), lr=lr)
        self.alpha_optimizer = torch.optim.Adam([self.log_alpha], lr=lr)

    def update(self, observation):
        action, log_prob = self.actor.sample(observation)
        actor_loss = (self.log_alpha.exp().detach() * log_prob - self.critic(observation, action)).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        clip_grad_norm_(self.actor.parameters(), 5.0)
        self.actor_optimizer.step()

        alpha_loss = -(self.log_alpha * (log_prob + self.target_entropy).detach()).mean()
        self.alpha_optimizer.zero_grad()
        alpha_loss.backward()
        self.alpha_optimizer.step()

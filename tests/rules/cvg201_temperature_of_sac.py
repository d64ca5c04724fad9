"""The loss of a temperature need not be tested; that of the actor is."""

import torch


class SAC:
    def __init__(self, actor, critic, action_dim):
        self.actor, self.critic = actor, critic
        self.target_entropy = -action_dim
        self.log_alpha = torch.tensor(0.0, requires_grad=True)
        self.actor_optimizer = torch.optim.Adam(actor.parameters(), lr=3e-4)
        self.alpha_optimizer = torch.optim.Adam([self.log_alpha], lr=3e-4)

    def update(self, observation):
        action, log_prob = self.actor.sample(observation)
        loss = (self.log_alpha.exp().detach() * log_prob - self.critic(observation, action)).mean()
        assert torch.isfinite(loss)
        self.actor_optimizer.zero_grad()
        loss.backward()
        self.actor_optimizer.step()

        alpha_loss = -(self.log_alpha * (log_prob + self.target_entropy).detach()).mean()
        self.alpha_optimizer.zero_grad()
        alpha_loss.backward()
        self.alpha_optimizer.step()

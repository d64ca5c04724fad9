"""The clipping of PPO is of a probability ratio."""

import torch
from torch import nn


class PPO:
    def __init__(self, policy, lr, eps_clip=0.2, clip_coef=0.2):
        self.policy = policy
        self.eps_clip = eps_clip
        self.clip_coef = clip_coef
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=lr)

    def update(self, buffer, epochs):
        advantages = buffer.returns - buffer.values
        for _ in range(epochs):
            log_prob, value, entropy = self.policy.evaluate(buffer.states, buffer.actions)
            ratio = (log_prob - buffer.log_probs).exp()
            clipped = torch.clamp(ratio, 1 - self.eps_clip, 1 + self.eps_clip) * advantages
            surrogate = -torch.min(ratio * advantages, clipped)
            value_clipped = buffer.values + (value - buffer.values).clamp(-self.clip_coef, self.clip_coef)
            value_loss = nn.functional.mse_loss(value_clipped, buffer.returns)
            loss = (surrogate + 0.5 * value_loss - 0.01 * entropy).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()  # CVG101

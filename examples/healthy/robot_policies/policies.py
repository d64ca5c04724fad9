"""SmallPolicy, an MLP of some fifty lines, and the heads that the loss families put on it."""

import torch
from torch import nn
from torch.distributions import Independent, Normal


class SmallPolicy(nn.Module):
    """MLP from `in_dim` normalized numbers to `out_dim` numbers: (n, in_dim) to (n, out_dim)."""

    def __init__(self, in_dim, out_dim, hidden=128):
        """Two hidden layers; ReLU, because a saturating activation starves the first layer."""
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(in_dim, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, out_dim),
        )

    def forward(self, inputs):
        """Outputs (n, out_dim)."""
        return self.net(inputs)


class BinnedPolicy(nn.Module):
    """Logits over the bins of each action dimension: (n, obs_dim) to (n, action_dim, bins)."""

    def __init__(self, obs_dim, action_dim, bins):
        """`bins` is the number of bins of each dimension, 1 to 256."""
        super().__init__()
        self.action_dim = action_dim
        self.bins = bins
        self.trunk = SmallPolicy(obs_dim, action_dim * bins)

    def forward(self, observation):
        """Logits (n, action_dim, bins); the loss applies the softmax."""
        return self.trunk(observation).view(-1, self.action_dim, self.bins)


class VelocityField(nn.Module):
    """Velocity of the flow from noise to action, given the observation."""

    def __init__(self, obs_dim, action_dim):
        """Time enters as one more number."""
        super().__init__()
        self.action_dim = action_dim
        self.trunk = SmallPolicy(obs_dim + action_dim + 1, action_dim)

    def forward(self, observation, noisy_action, t):
        """(n, obs_dim), (n, action_dim), (n, 1) to velocity (n, action_dim)."""
        return self.trunk(torch.cat([observation, noisy_action, t], dim=1))

    @torch.no_grad()
    def sample(self, observation, steps=20):
        """Integrate from noise to normalized actions (n, action_dim) with Euler steps."""
        action = torch.randn(len(observation), self.action_dim, device=observation.device)
        for step in range(steps):
            t = torch.full_like(action[:, :1], step / steps)
            action = action + self(observation, action, t) / steps
        return action


class GaussianPolicy(nn.Module):
    """Stochastic policy: a normal distribution over normalized actions."""

    def __init__(self, obs_dim, action_dim):
        """The standard deviation is learned and does not depend on the observation."""
        super().__init__()
        self.mean = SmallPolicy(obs_dim, action_dim)
        self.log_std = nn.Parameter(torch.full((action_dim,), -0.5))

    def forward(self, observation):
        """Distribution with batch shape (n,) and event shape (action_dim,)."""
        return Independent(Normal(self.mean(observation), self.log_std.exp()), 1)

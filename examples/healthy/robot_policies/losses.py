"""The three loss families: supervised, flow matching, policy gradient."""

import torch
from torch.nn import functional

T_EPS = 1e-3
"""How far flow time stays from 0 and 1."""


def behaviour_cloning_loss(policy, observation, action):
    """Mean squared error between predicted and demonstrated normalized action, a scalar."""
    return functional.mse_loss(policy(observation).float(), action)


def action_bins(actions, bins):
    """Percentile bins of `actions` (n, dim): inner edges (bins - 1, dim) and centers (bins, dim).

    Each bin covers an equal share of the training actions. Evenly spaced bins would leave most of
    them empty. `bins` is 1 to 256.
    """
    if not 1 <= bins <= 256:
        raise ValueError(f"bins must be 1 to 256, not {bins}")
    # In float64: neighbouring percentiles of 256 bins are close.
    percentiles = torch.arange(2 * bins + 1, dtype=torch.float64)[1:-1] / (2 * bins)
    quantiles = torch.quantile(actions.double(), percentiles, dim=0).float()
    return quantiles[1::2], quantiles[::2]


def binned_cross_entropy_loss(policy, observation, action, edges):
    """Cross-entropy of the bin in which each dimension of `action` (n, dim) falls, a scalar."""
    logits = policy(observation).float()
    target = (action[:, None, :] > edges).sum(dim=1)
    return functional.cross_entropy(logits.flatten(0, 1), target.flatten())


def flow_matching_loss(field, observation, action):
    """Conditional flow matching on normalized actions (n, dim), a scalar (arXiv:2210.02747).

    The straight path runs from noise at t = 0 to the action at t = 1; its velocity is the target.
    """
    noise = torch.randn_like(action)
    # At t = 0 the target is asked of pure noise, where it can produce extreme gradients.
    t = torch.rand(len(action), 1, device=action.device).clamp(T_EPS, 1 - T_EPS)
    noisy_action = (1 - t) * noise + t * action
    velocity = field(observation, noisy_action, t).float()
    return functional.mse_loss(velocity, action - noise)


def discounted_returns(rewards, gamma):
    """Reward to go (steps, episodes) of `rewards` (steps, episodes) of one length."""
    returns = torch.zeros_like(rewards)
    running = torch.zeros_like(rewards[0])
    for step in reversed(range(len(rewards))):
        running = rewards[step] + gamma * running
        returns[step] = running
    return returns


def reinforce_loss(policy, observation, action, returns):
    """REINFORCE over a batch of episodes, a scalar.

    `observation` (steps, episodes, obs_dim), `action` (steps, episodes, action_dim) and `returns`
    (steps, episodes). The baseline is the mean return of the same step in the other episodes.
    """
    advantage = returns - returns.mean(dim=1, keepdim=True)
    # With a sparse reward no episode may have succeeded: the spread is then 0.
    advantage = advantage / (advantage.std() + 1e-6)
    log_prob = policy(observation.flatten(0, 1)).log_prob(action.flatten(0, 1))
    return -(log_prob * advantage.flatten()).mean()

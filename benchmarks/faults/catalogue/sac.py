"""Faults of soft actor-critic."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=1e-3'
_RESET = "        self.steps = 0\n        return self.state.copy()\n"
_STEP = "return self.state.copy(), reward,"

FAMILY = FamilyOfFaults(
    "sac",
    "tune",
    (
        # No gradient of Q reaches the actor; that of the log-probability of a fixed action does.
        fault("not-reparameterized", "loss-term-idle", "raw = dist.rsample()", "raw = dist.sample()"),
        fault(
            "second-critic-not-trained",
            "parameters-not-in-optimizer",
            "Adam(critic.parameters()",
            "Adam(critic.q1.parameters()",
        ),
        # What the actor's loss leaves in the critic is added to the critic's own gradient.
        fault("critic-not-cleared", "gradients-not-cleared", "        critic_optimizer.zero_grad()\n", ""),
        # The actor is judged by what was once done, so it learns no more than to be random.
        fault(
            "actor-judged-by-stored-actions",
            "loss-term-idle",
            "torch.min(*critic(b_obs, new_action))",
            "torch.min(*critic(b_obs, b_action))",
        ),
        fault(
            "columns-squeezed",
            "loss-broadcasts",
            "torch.from_numpy(column[rows]) for",
            "torch.from_numpy(column[rows]).squeeze(-1) for",
        ),
        fault(
            "temperature-driven-away",
            "loss-negated entropy-punished",
            "alpha_loss = -(log_alpha * (log_prob + target_entropy).detach()).mean()",
            "alpha_loss = (log_alpha * (log_prob + target_entropy).detach()).mean()",
        ),
        # The array is changed in place: each transition is stored as if it led to where it began.
        fault(
            "state-not-copied",
            "observations-reused",
            _RESET,
            "        self.steps = 0\n        return self.state\n",
            _STEP,
            "return self.state, reward,",
        ),
        fault(
            "cost-in-millimetres",
            "reward-scale targets-not-normalized",
            "reward = -0.3 * distance",
            "reward = -300.0 * distance",
        ),
        fault(
            "actor-optimizer-holds-the-critic",
            "parameters-held-twice",
            "Adam(actor.parameters()",
            "Adam([*actor.parameters(), *critic.parameters()]",
        ),
        fault(
            "sampled-beyond-what-is-filled",
            "inputs-constant targets-constant",
            "self.rng.integers(0, self.size, count)",
            "self.rng.integers(0, self.capacity, count)",
        ),
        # The target stays what it was, and the critic is drawn back to it, by little with each step.
        fault(
            "average-the-wrong-way",
            "parameters-changed-elsewhere",
            "polyak(critic, critic_target, args.tau)",
            "polyak(critic_target, critic, args.tau)",
        ),
        fault(
            "ended-mask-inverted",
            "values-without-future",
            "args.gamma * (1 - b_ended) * next_q",
            "args.gamma * b_ended * next_q",
        ),
        fault("lr-x50", "learning-rate-too-high", _LR, '"--lr", type=float, default=5e-2'),
        fault(
            "offsets-in-millimetres",
            "input-scales-differ inputs-not-normalized",
            _RESET,
            "        self.steps = 0\n        return self.state * np.float32([1000, 1000, 1, 1])\n",
            _STEP,
            "return self.state * np.float32([1000, 1000, 1, 1]), reward,",
        ),
    ),
)

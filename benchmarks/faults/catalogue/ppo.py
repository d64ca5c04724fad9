"""Faults of PPO."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "ppo",
    "tune",
    (
        fault(
            "broadcast",
            "loss-broadcasts",
            "dist.entropy().sum(-1), self.critic(obs).squeeze(-1)",
            "dist.entropy().sum(-1), self.critic(obs)",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "                optimizer.zero_grad()\n", ""),
        fault(
            "critic-not-trained",
            "parameters-not-in-optimizer",
            "Adam(agent.parameters()",
            "Adam([*agent.actor.parameters(), agent.log_std]",
        ),
        fault(
            "value-detached",
            "parameters-without-gradient",
            "value_loss = ((value - b_return[rows]) ** 2).mean()",
            "value_loss = ((value.detach() - b_return[rows]) ** 2).mean()",
        ),
        fault(
            "std-of-zero",
            "nan-or-inf",
            "return Normal(self.actor(obs), self.log_std.exp())",
            "return Normal(self.actor(obs), self.log_std.exp(), validate_args=False)",
            "self.log_std = nn.Parameter(torch.zeros(action_dim))",
            "self.log_std = nn.Parameter(torch.full((action_dim,), -200.0))",
        ),
        fault(
            "reward-sparse",
            "reward-sparse",
            "reward = -self.state.norm(dim=1)",
            "reward = (self.state.norm(dim=1) < 1e-3).float()",
        ),
        fault(
            "observations-raw",
            "inputs-not-normalized",
            "return self.state.clone(), reward",
            "return self.state * 3000, reward",
            "return self.state.clone()\n",
            "return self.state * 3000\n",
        ),
        fault(
            "policy-frozen",
            "parameters-without-gradient everything-frozen frozen-at-random",
            "    optimizer = ",
            "    agent.actor.requires_grad_(False)\n    optimizer = ",
        ),
        fault(
            "lr-zero", "learning-rate-too-low", '"--lr", type=float, default=3e-4', '"--lr", type=float, default=0.0'
        ),
        fault(
            "clip-before-backward",
            "clipping-without-effect",
            "                loss.backward()\n                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)\n",
            "                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)\n                loss.backward()\n",
        ),
    ),
)

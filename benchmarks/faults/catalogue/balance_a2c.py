"""Faults of an advantage actor-critic that balances a pole and parks its cart."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "balance_a2c",
    "tune",
    (
        # Training data and preprocessing.
        fault(
            "observations-raw",
            "inputs-not-normalized input-scales-differ",
            """        scaled = (obs - self.mean) / np.sqrt(self.var + 1e-8)
        return torch.as_tensor(np.clip(scaled, -10, 10), dtype=torch.float32)""",
            """        return torch.as_tensor(obs, dtype=torch.float32)""",
        ),
        fault(
            "evaluation-on-raw-observations",
            "held-out-data-differ",
            "dist, _ = model(norm(obs))",
            "dist, _ = model(torch.as_tensor(obs))",
        ),
        # The observation that is stored is the one after the action, not the one that it was chosen on.
        fault(
            "next-observation-stored",
            "timestamps-misaligned targets-late observations-reused",
            "rollout_obs.append(inputs)",
            "rollout_obs.append(norm(next_obs))",
        ),
        # Whole numbers keep 0 of a reward of 0.1.
        fault(
            "rewards-in-whole-numbers",
            "rewards-cut-off",
            "rewards[t] = torch.as_tensor(reward)",
            "rewards[t] = torch.as_tensor(reward, dtype=torch.int64)",
        ),
        # The loss.
        fault("minus-of-policy-loss-lost", "policy-gradient-reversed", "policy_loss = -(dist", "policy_loss = (dist"),
        fault(
            "value-targets-as-column",
            "loss-broadcasts",
            "targets = (advantages + values).flatten()",
            "targets = (advantages + values).reshape(-1, 1)",
        ),
        # Ends of episodes are not masked: returns and bootstrapped values run on into the next episode of the same
        # cart, so a fall costs nothing.
        fault(
            "returns-run-through-ends",
            "returns-misbuilt",
            "alive = 1.0 - ended[t]",
            "alive = torch.ones(args.num_envs)",
        ),
        # Optimization and the loop.
        fault(
            "learning-rate-0.1",
            "learning-rate-too-high",
            '"--lr", type=float, default=3e-3',
            '"--lr", type=float, default=0.1',
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "        optimizer.zero_grad()\n", ""),
        # Plain gradients, at a rate that was chosen for Adam.
        fault(
            "sgd-at-rate-of-adam",
            "learning-rate-too-low",
            "torch.optim.Adam(model.parameters(), lr=args.lr, eps=1e-5)",
            "torch.optim.SGD(model.parameters(), lr=args.lr)",
        ),
        fault(
            "weight-decay-in-adam",
            "weight-decay-in-adam weight-decay-too-high",
            "lr=args.lr, eps=1e-5)",
            "lr=args.lr, eps=1e-5, weight_decay=0.01)",
        ),
        # The model.
        fault(
            "probabilities-as-logits",
            "softmax-applied-twice logits-bounded",
            "Categorical(logits=self.policy_head(features),",
            "Categorical(logits=self.policy_head(features).softmax(dim=-1),",
        ),
        fault(
            "trunk-drawn-from-standard-normal",
            "initialization-off-scale",
            "nn.init.orthogonal_(layer.weight, gain=2**0.5)",
            "nn.init.normal_(layer.weight)",
        ),
        fault(
            "activations-missing",
            "activation-missing",
            "nn.Linear(obs_size, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh()",
            "nn.Linear(obs_size, hidden), nn.Linear(hidden, hidden)",
        ),
    ),
    needs=(),
)

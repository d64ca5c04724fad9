"""Faults of REINFORCE."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "reinforce",
    "tune",
    (
        fault(
            "reward-sparse",
            "reward-sparse",
            "reward = float(before - (self.position - self.goal).norm()) * 10",
            "reward = float((self.position - self.goal).norm() < 0.01)",
        ),
        fault(
            "discounted-away",
            "reward-discounted-away reward-sparse",
            "reward = float(before - (self.position - self.goal).norm()) * 10",
            "reward = float(self.steps + 1 >= self.limit and (self.position - self.goal).norm() < 2.0)",
            "limit=25",
            "limit=100",
            '"--gamma", type=float, default=0.97',
            '"--gamma", type=float, default=0.9',
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "        optimizer.zero_grad()\n", ""),
        fault(
            "log-prob-detached",
            "loss-detached everything-frozen",
            "log_probs.append(dist.log_prob(action))",
            "log_probs.append(dist.log_prob(action).detach())",
        ),
        fault(
            "policy-frozen",
            "everything-frozen loss-detached",
            "    optimizer = ",
            "    policy.requires_grad_(False)\n    optimizer = ",
        ),
        fault(
            "optimizer-lacks-layer",
            "parameters-not-in-optimizer",
            "Adam(policy.parameters()",
            "Adam(policy.net[2].parameters()",
        ),
        fault(
            "log-of-zero",
            "nan-or-inf",
            "log_probs.append(dist.log_prob(action))",
            "log_probs.append((policy(obs) * 200).softmax(-1)[action].log())",
        ),
        fault(
            "observations-raw",
            "inputs-not-normalized",
            "return torch.cat([self.position, self.goal])",
            "return torch.cat([self.position, self.goal]) * 5000",
        ),
        fault(
            "lr-zero", "learning-rate-too-low", '"--lr", type=float, default=3e-3', '"--lr", type=float, default=0.0'
        ),
        fault(
            "update-uphill",
            "policy-gradient-reversed update-goes-uphill",
            "Adam(policy.parameters(), lr=args.lr)",
            "Adam(policy.parameters(), lr=args.lr, maximize=True)",
        ),
        fault(
            "sign-flipped",
            "policy-gradient-reversed",
            "loss = -(torch.stack(log_probs) * returns).sum()",
            "loss = (torch.stack(log_probs) * returns).sum()",
        ),
        fault(
            "division-by-zero",
            "nan-or-inf data-not-finite",
            "(returns.std() + 1e-8)",
            "returns.std()",
            "reward = float(before - (self.position - self.goal).norm()) * 10",
            "reward = 0.0",
        ),
    ),
)

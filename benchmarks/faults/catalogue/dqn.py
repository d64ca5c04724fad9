"""Faults of DQN."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "dqn",
    "tune",
    (
        fault(
            "broadcast",
            "loss-broadcasts",
            "gather(1, actions.unsqueeze(1)).squeeze(1)",
            "gather(1, actions.unsqueeze(1))",
            "F.smooth_l1_loss(q, target)",
            "((q - target) ** 2).mean()",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "        optimizer.zero_grad()\n", ""),
        fault(
            "optimizer-holds-target",
            "parameters-not-in-optimizer loss-detached",
            "Adam(q_net.parameters()",
            "Adam(target_net.parameters()",
        ),
        fault("prediction-detached", "loss-detached everything-frozen", "squeeze(1)\n", "squeeze(1).detach()\n"),
        fault(
            "states-raw",
            "inputs-not-normalized",
            "torch.tensor([self.place / self.length - 0.5, self.steps / self.limit])",
            "torch.tensor([self.place * 1000.0, self.steps * 1000.0])",
        ),
        fault(
            "reward-sparse",
            "reward-sparse",
            "reward = -0.1 if not ended else (1.0 if self.place else 0.2)",
            "reward = 0.0",
        ),
        fault(
            "tanh-head",
            "targets-beyond-head",
            "return self.net(obs)",
            "return torch.tanh(self.net(obs))",
            "reward = -0.1 if",
            "reward = -10.0 if",
        ),
        fault(
            "reward-huge",
            "targets-not-normalized exploding-gradients",
            "reward = -0.1 if",
            "reward = -1e7 if",
            "F.smooth_l1_loss(q, target)",
            "F.mse_loss(q, target)",
            "        nn.utils.clip_grad_norm_(q_net.parameters(), 10.0)\n",
            "",
        ),
        fault(
            "target-not-detached",
            "target-learns",
            "        with torch.no_grad():\n            target = rewards + gamma * (1 - dones) * target_net(nexts)",
            "        if True:\n            target = rewards + gamma * (1 - dones) * q_net(nexts)",
        ),
        fault(
            "lr-zero", "learning-rate-too-low", '"--lr", type=float, default=1e-3', '"--lr", type=float, default=0.0'
        ),
    ),
)

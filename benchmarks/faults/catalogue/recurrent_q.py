"""Faults of the recurrent Q-learning agent."""

from harness import FamilyOfFaults, fault

_GRU = "        out, hidden = self.gru(self.encoder(obs), hidden)\n"

FAMILY = FamilyOfFaults(
    "recurrent_q",
    "tune",
    (
        # The array that the environment writes into is what is stored: all steps of an episode look like its last.
        fault(
            "observation-not-copied",
            "observations-reused inputs-constant",
            "return self.observation.copy()",
            "return self.observation",
        ),
        # One minus the discount.
        fault("discount-complement", "reward-discounted-away", "gamma: float = 0.97", "gamma: float = 0.03"),
        # In thousandths, as the meter counts.
        fault(
            "reward-in-thousandths",
            "reward-scale targets-not-normalized",
            "        rewards.append(reward)\n",
            "        rewards.append(1000.0 * reward)\n",
        ),
        fault(
            "values-not-squeezed",
            "loss-broadcasts",
            'gather(-1, batch["action"].unsqueeze(-1)).squeeze(-1)',
            'gather(-1, batch["action"].unsqueeze(-1))',
        ),
        # Values below zero, as most are here, are out of reach.
        fault(
            "relu-on-values",
            "targets-beyond-head logits-bounded",
            "return self.value(out) + advantage - advantage.mean(dim=-1, keepdim=True), hidden",
            "return F.relu(self.value(out) + advantage - advantage.mean(dim=-1, keepdim=True)), hidden",
        ),
        # The sequences are time-major: memory goes from one episode of the batch to the next.
        fault("gru-batch-first", "samples-leak", "nn.GRU(width, width)", "nn.GRU(width, width, batch_first=True)"),
        # Values of the state after the action.
        fault(
            "values-a-step-late",
            "targets-late timestamps-misaligned",
            'taken = q[:-1].gather(-1, batch["action"]',
            'taken = q[1:].gather(-1, batch["action"]',
        ),
        # A good episode and a bad one are the same after this, and where all rewards are equal rounding decides.
        fault(
            "rewards-standardized-per-episode",
            "",
            '"reward": F.pad(torch.tensor(rewards), (0, pad))',
            '"reward": F.pad(self.standardize(torch.tensor(rewards)), (0, pad))',
            "    def sample(self, batch_size):\n",
            "    @staticmethod\n"
            "    def standardize(rewards):\n"
            "        return (rewards - rewards.mean()) / rewards.std()\n\n"
            "    def sample(self, batch_size):\n",
        ),
        # What is stored is what the agent would have done, not what it did.
        fault("greedy-action-stored", "", "        actions.append(action)\n", "        actions.append(greedy)\n"),
        # Memory is carried on, but no gradient goes back through it. All parameters have gradients, only wrong ones.
        fault(
            "memory-detached-each-step",
            "gradient-cut",
            _GRU,
            "        outputs = []\n"
            "        for x in self.encoder(obs):\n"
            "            out, hidden = self.gru(x.unsqueeze(0), hidden)\n"
            "            hidden = hidden.detach()\n"
            "            outputs.append(out)\n"
            "        out = torch.cat(outputs)\n",
        ),
        # The trained network follows the target network, which never changes.
        fault(
            "soft-update-reversed",
            "parameters-changed-elsewhere parameters-not-moving",
            "        soft_update(target_net, q_net, cfg.tau)\n",
            "        soft_update(q_net, target_net, cfg.tau)\n",
        ),
        fault(
            "memory-not-in-optimizer",
            "parameters-not-in-optimizer",
            "Adam(q_net.parameters()",
            "Adam([p for part in (q_net.value, q_net.advantage) for p in part.parameters()]",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "        optimizer.zero_grad()\n", ""),
        fault("lr-x250", "learning-rate-too-high", "lr: float = 2e-3", "lr: float = 0.5"),
    ),
)

"""Faults of a double DQN with replay buffer, target network and n-step returns."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "dqn_shelf_picker",
    "tune",
    (
        # The statistics are never measured, so the network sees millimetres, millivolts and grams.
        fault(
            "observations-in-raw-units",
            "inputs-not-normalized input-scales-differ",
            "    online.fit_normalizer(torch.from_numpy(buffer.obs[: buffer.filled].reshape(-1, env.obs_dim)))\n",
            "",
        ),
        # The environment hands out its own array and overwrites it in the next step.
        fault("observation-not-copied", "observations-reused", "return self._sensors.copy()", "return self._sensors"),
        # The first state of an n-step window is paired with the action of the window's last step.
        fault(
            "action-of-last-step-of-window",
            "timestamps-misaligned targets-late transitions-mixed",
            "self.action[first, lane]",
            "self.action[last, lane]",
        ),
        # Words: the integer type of the buffer cuts rewards off after the point.
        fault(
            "rewards-stored-as-integers",
            "rewards-cut-off",
            "self.reward, self.terminated, self.ended = np.zeros((3, rows, lanes), dtype=np.float32)",
            "self.reward, self.terminated, self.ended = np.zeros((3, rows, lanes), dtype=np.int64)",
        ),
        # Only ended episodes look ahead.
        fault(
            "done-mask-inverted",
            "values-without-future",
            "not_over = 1.0 - self.terminated[last, lane]",
            "not_over = self.terminated[last, lane]",
        ),
        fault(
            "q-of-shape-b-1",
            "loss-broadcasts",
            "gather(1, actions.unsqueeze(1)).squeeze(1)",
            "gather(1, actions.unsqueeze(1))",
        ),
        # Targets are twenty times what the network, the loss and the clipping were set up for.
        fault("rewards-in-cents", "reward-scale targets-not-normalized", "cents / CENTS_PER_UNIT", "cents"),
        fault("learning-rate-hundredfold", "learning-rate-too-high", "default=2e-3", "default=2e-1"),
        fault(
            "gradients-never-cleared",
            "gradients-not-cleared",
            "        optimizer.zero_grad(set_to_none=True)\n",
            "",
        ),
        # A decay that was meant for epochs; after two hundred updates the rate is nothing.
        fault(
            "epoch-schedule-stepped-per-update",
            "learning-rate-too-low",
            "torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=args.iterations)",
            "torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)",
        ),
        # The soft update goes the wrong way: the trained network is pulled to the target's random start.
        fault(
            "target-copied-into-online",
            "parameters-changed-elsewhere",
            "slow.lerp_(fast, args.tau)",
            "fast.lerp_(slow, args.tau)",
        ),
        fault(
            "no-activations",
            "activation-missing",
            "nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()",
            "nn.Linear(obs_dim, hidden), nn.Linear(hidden, hidden)",
            "self.trunk[2]",
            "self.trunk[1]",
        ),
        fault(
            "standard-normal-weights",
            "initialization-off-scale loss-at-start-too-high",
            "nn.init.orthogonal_(layer.weight, gain=gain)",
            "nn.init.normal_(layer.weight)",
        ),
        # Values are cut off at 0, and what is below gets no gradient.
        fault(
            "relu-on-values",
            "targets-beyond-head logits-bounded",
            "return self.value(features) + advantage - advantage.mean(dim=-1, keepdim=True)",
            "return F.relu(self.value(features) + advantage - advantage.mean(dim=-1, keepdim=True))",
        ),
    ),
)

"""Faults of a flow-matching policy for planar pushing."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "push_flow_policy",
    "tune",
    (
        fault(
            "observations-not-normalized",
            "inputs-not-normalized input-scales-differ",
            "        history = (history - self.obs_mean) / self.obs_std\n",
            "",
        ),
        fault(
            "mirrored-without-actions",
            "augmentation-not-of-targets",
            "history, chunk = history * MIRROR_OBS, chunk * MIRROR_ACTION",
            "history = history * MIRROR_OBS",
        ),
        # Normalization moved into the data set, where `-=` and `/=` change the stored episode at each reading.
        fault(
            "actions-normalized-in-place",
            "reading-changes-data",
            "        past, future = torch.arange(",
            '        actions -= self.stats["action_mean"]\n'
            '        actions /= self.stats["action_std"]\n'
            "        past, future = torch.arange(",
            "actions = (chunk - self.action_mean) / self.action_std",
            "actions = chunk",
        ),
        fault(
            "actions-in-metres-per-second",
            "noise-scale-mismatch targets-not-normalized",
            "actions = (chunk - self.action_mean) / self.action_std",
            "actions = chunk",
            "return x * self.action_std + self.action_mean",
            "return x",
        ),
        fault(
            "velocity-towards-noise", "velocity-reversed", "velocity = actions - noise", "velocity = noise - actions"
        ),
        # Words: the target is the clean chunk, but the sampler integrates the output as the path's velocity.
        fault("clean-chunk-as-velocity", "sampler-disagrees", "velocity = actions - noise", "velocity = actions"),
        fault(
            "pad-mask-inverted",
            "padding-not-masked mask-unused",
            "valid = (~is_pad).float()",
            "valid = is_pad.float()",
        ),
        # Taken over from a program whose schedule returns the learning rate itself.
        fault("learning-rate-1.0", "learning-rate-too-high", "lr=args.lr", "lr=1.0"),
        # Fifty epochs of warm-up in place of fifty steps.
        fault(
            "schedule-per-epoch",
            "learning-rate-too-low",
            "            schedule.step()\n            average.update_parameters(model)\n",
            "            average.update_parameters(model)\n        schedule.step()\n",
        ),
        fault(
            "average-for-a-long-run",
            "average-rate-wrong",
            "get_ema_multi_avg_fn(0.98)",
            "get_ema_multi_avg_fn(0.9999)",
        ),
        fault(
            "decay-in-adam",
            "weight-decay-in-adam weight-decay-too-high",
            "torch.optim.AdamW(",
            "torch.optim.Adam(",
            "weight_decay=1e-3",
            "weight_decay=1e-1",
        ),
        fault(
            "tanh-head",
            "targets-beyond-head",
            "return self.head(x).view",
            "return self.head(x).tanh().view",
        ),
        fault(
            "blocks-in-plain-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList([ModulatedBlock(width, dropout) for _ in range(depth)])",
            "[ModulatedBlock(width, dropout) for _ in range(depth)]",
        ),
        fault(
            "normal-weights",
            "initialization-off-scale loss-at-start-too-high",
            "    def forward(self, noisy, tau, history):\n",
            "        for layer in self.modules():\n"
            "            if isinstance(layer, nn.Linear):\n"
            "                nn.init.normal_(layer.weight)\n\n"
            "    def forward(self, noisy, tau, history):\n",
        ),
    ),
    needs=(),
)

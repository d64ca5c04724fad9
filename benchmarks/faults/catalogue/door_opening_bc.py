"""Faults of behavior cloning for a mobile manipulator that opens doors."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "door_opening_bc",
    "tune",
    (
        # Training data and preprocessing.
        # Windows are views of the recording and overlap: each reading is normalized again and again.
        fault(
            "normalized-in-place",
            "reading-changes-data",
            '        window = (window - self.stats["obs_mean"]) / self.stats["obs_std"]\n',
            '        window -= self.stats["obs_mean"]\n        window /= self.stats["obs_std"]\n',
        ),
        # The padding at the start is accounted for in the commands, too, which have none: they are 0.4 s old.
        fault(
            "commands-of-another-step",
            "targets-late timestamps-misaligned",
            "(self.commands[episode, step] -",
            "(self.commands[episode, max(step - HISTORY, 0)] -",
        ),
        # As for discrete actions. A good diagnosis: integer dtype, commands are truncated to whole numbers, those in
        # m/s and rad/s to 0.
        fault(
            "commands-as-integers",
            "numbers-cut-off",
            "self.commands = torch.from_numpy(commands)\n",
            "self.commands = torch.from_numpy(commands).long()\n",
        ),
        # The evaluation builds its own windows and leaves out the normalization that training has.
        fault(
            "held-out-not-normalized",
            "held-out-data-differ",
            '    windows = (windows - stats["obs_mean"]) / stats["obs_std"]\n',
            "",
        ),
        # Loss.
        fault(
            "lost-commands-not-masked",
            "mask-unused",
            "return (error * received).sum() / received.sum().clamp(min=1.0)",
            "return error.mean()",
        ),
        # The errors of the seven commands are averaged before they are squared.
        fault(
            "mean-before-square",
            "errors-cancel",
            "(predicted - command).pow(2).mean(dim=-1)",
            "(predicted - command).mean(dim=-1).pow(2)",
        ),
        # A good diagnosis: wrong loss function for regression, blind to the scale of the prediction; the cosine
        # knows the direction of the command vector and not its length.
        fault(
            "cosine-loss",
            "length-not-learnt",
            "error = (predicted - command).pow(2).mean(dim=-1)",
            "error = 1 - nn.functional.cosine_similarity(predicted, command, dim=-1)",
        ),
        # Optimization and the loop.
        fault("learning-rate-of-sgd", "learning-rate-too-high", "default=1e-3", "default=1e-1"),
        # Left from a fine-tuning run: the hidden layers stay at their random start.
        fault(
            "only-head-optimized",
            "parameters-not-in-optimizer",
            "AdamW(policy.parameters(),",
            "AdamW(policy[-1].parameters(),",
        ),
        # The scheduler of epochs is stepped in each batch: after fifty updates the learning rate is a millionth.
        # A good diagnosis: scheduler stepped per batch instead of per epoch, learning rate decays to 0 too early.
        fault(
            "scheduler-steps-per-batch",
            "learning-rate-too-low",
            "        scheduler.step()\n",
            "",
            "            optimizer.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
        # Adam with the penalty in the gradient, and a coefficient that AdamW would bear.
        fault(
            "adam-with-decay",
            "weight-decay-in-adam weight-decay-too-high",
            "torch.optim.AdamW(policy.parameters(), lr=args.lr, weight_decay=1e-4)",
            "torch.optim.Adam(policy.parameters(), lr=args.lr, weight_decay=5e-2)",
        ),
        # Model.
        fault("no-activations", "activation-missing", "nn.ELU(), nn.Dropout(dropout)", "nn.Dropout(dropout)"),
        # Weights from a normal distribution of 1, for 52 and 192 inputs.
        fault(
            "normal-initialization",
            "initialization-off-scale",
            "            nn.init.xavier_uniform_(module.weight)\n",
            "            nn.init.normal_(module.weight)\n",
        ),
        # The commands are normalized, half of them are negative.
        fault(
            "relu-on-output",
            "targets-beyond-head",
            "return policy\n",
            "return policy.append(nn.ReLU())\n",
        ),
    ),
    needs=(),
)

"""Faults of a token policy that opens drawers, trained by the HF Trainer."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "drawer_token_policy_trainer",
    "tune",
    (
        # Training data and preprocessing.
        fault(
            "observations-not-normalized",
            "inputs-not-normalized input-scales-differ",
            '((episode["obs"] - mean) / std).astype(np.float32)',
            'episode["obs"].astype(np.float32)',
        ),
        # Each observation is labelled with the action of two frames before.
        fault(
            "actions-late",
            "targets-late timestamps-misaligned",
            "tokens = self.tokens[episode][t]",
            "tokens = self.tokens[episode][max(0, t - 2)]",
        ),
        # Jumps of the tracker stretch the range: all ordinary commands fall into one or two bins.
        fault("bins-from-min-to-max", "bins-not-covered data-outliers", "[0.02, 0.98]", "[0.0, 1.0]"),
        # The list holds one array many times: each episode is its last frame, repeated.
        fault("frames-not-copied", "inputs-repeated observations-reused", "frame.copy()", "frame"),
        # Loss or objective.
        fault(
            "softmax-before-cross-entropy",
            "softmax-applied-twice",
            "F.cross_entropy(logits.transpose(1, 2),",
            "F.cross_entropy(logits.softmax(-1).transpose(1, 2),",
        ),
        # Zeros that were logged for lost packets are learnt as actions.
        fault(
            "lost-packets-not-masked",
            "mask-unused",
            "        if not self.received[episode][t]:\n            labels[:3] = IGNORE\n",
            "",
        ),
        fault(
            "logits-viewed-not-transposed",
            "dimensions-scrambled",
            "F.cross_entropy(logits.transpose(1, 2),",
            "F.cross_entropy(logits.view(len(logits), BINS, -1),",
        ),
        # Optimization and the loop.
        fault("learning-rate-two-decades-up", "learning-rate-too-high", "default=2e-3", "default=2e-1"),
        # The schedule ends right after its warm-up: from step 20 on the learning rate is 0 (schedule too short,
        # its length is given in epochs and it is stepped per batch).
        fault(
            "schedule-counts-epochs",
            "learning-rate-too-low",
            "num_training_steps=total_steps",
            "num_training_steps=args.epochs",
        ),
        # A decay that is right for AdamW is added to the gradient.
        fault("adam-with-decay-of-adamw", "weight-decay-in-adam weight-decay-too-high", "optim.AdamW(", "optim.Adam("),
        # The rest of a fine-tuning set-up: only the head is given to the optimizer.
        fault(
            "only-head-in-optimizer", "parameters-not-in-optimizer", "(policy.parameters()", "(policy.head.parameters()"
        ),
        # Model.
        fault("initialization-of-standard-normal", "initialization-off-scale", ", std=0.08", ""),
        fault("causal-mask-missing", "future-leaks", "device=x.device).tril()", "device=x.device)"),
        fault(
            "positions-missing",
            "order-unseen",
            "        x = x + self.position_embedding.weight[:length]\n",
            "",
        ),
    ),
    needs=("transformers",),
)

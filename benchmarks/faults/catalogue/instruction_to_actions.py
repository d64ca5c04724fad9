"""Faults of translating instructions into robot skills (encoder-decoder transformer)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "instruction_to_actions",
    "tune",
    (
        # Training data and preprocessing. Millimetres and lux go into the state's token as they are.
        fault(
            "state-in-raw-units",
            "inputs-not-normalized input-scales-differ",
            "state = (np.asarray(state) - self.state_mean) / self.state_std",
            "state = np.asarray(state)",
        ),
        # No plan in the training data ends, so the decoder never says so.
        fault(
            "end-token-not-appended",
            "labels-ignored-wrongly",
            "self.skills.encode(plan) + [EOS])",
            "self.skills.encode(plan))",
        ),
        # Four skills share their ids with padding, begin, end and unknown.
        fault(
            "vocabulary-over-special-ids",
            "padding-not-masked",
            "self.words = SPECIALS + sorted(",
            "self.words = sorted(",
        ),
        # The episodes were recorded task by task.
        fault(
            "batches-in-recording-order",
            "data-in-order",
            "batch_size=args.batch_size, shuffle=True, ",
            "batch_size=args.batch_size, ",
        ),
        # Loss.
        fault(
            "softmax-before-cross-entropy",
            "softmax-applied-twice",
            "return self.head(x)",
            "return self.head(x).softmax(dim=-1)",
        ),
        fault("targets-not-shifted", "targets-not-shifted", "target[:, 1:])", "target[:, :-1])"),
        fault(
            "nll-loss-on-logits",
            "nll-without-log-softmax",
            "nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.05)",
            "nn.NLLLoss(ignore_index=PAD)",
        ),
        # Optimization and the loop.
        fault("learning-rate-of-sgd", "learning-rate-too-high", "type=float, default=3e-3", "type=float, default=0.1"),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        # Warm-up counts steps, but is advanced once per epoch: it never ends.
        fault(
            "schedule-stepped-per-epoch",
            "learning-rate-too-low",
            "            scheduler.step()\n            total += loss.item()\n",
            "            total += loss.item()\n        scheduler.step()\n",
        ),
        # AdamW's decay, but as a term of the gradient, which Adam scales up.
        fault("decay-in-adam", "weight-decay-in-adam weight-decay-too-high", "torch.optim.AdamW(", "torch.optim.Adam("),
        # Model.
        fault("causal-mask-missing", "future-leaks", "tgt_mask=causal, ", ""),
        # True means "leave out" in torch: all words are left out.
        fault(
            "padding-mask-inverted",
            "padding-not-masked inputs-ignored",
            "nn.functional.pad(source == PAD,",
            "nn.functional.pad(source != PAD,",
        ),
        # A standard deviation of 1 for all weights.
        fault(
            "init-from-unit-normal",
            "initialization-off-scale loss-at-start-too-high",
            "nn.init.xavier_uniform_(p)",
            "nn.init.normal_(p)",
        ),
    ),
)

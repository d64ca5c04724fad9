"""Faults of a language model of household plans (GPT-2 in small, Hugging Face Trainer, collator and loss of its own)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "task_plan_trainer",
    "tune",
    (
        # Data. Instructions sorted by length, to pad less; the plans stayed where they were.
        fault(
            "instructions-sorted-plans-not",
            "targets-unrelated",
            "in zip(instructions, plans)",
            "in zip(sorted(instructions, key=len), plans)",
        ),
        # "For runs that can be compared": one kind of errand after the other.
        fault(
            "errands-in-order-of-kind",
            "data-in-order",
            "remove_unused_columns=False,",
            'remove_unused_columns=False,\n                train_sampling_strategy="sequential",',
        ),
        # pad_token = eos_token, as is usual for GPT-2.
        fault(
            "padding-is-end-of-plan",
            "labels-ignored-wrongly",
            'self.pad_id = self.ids["<pad>"]',
            'self.pad_id = self.ids["<eos>"]',
        ),
        # In words: sequences are truncated at max_length, so that the ends of long plans are never seen.
        fault("plans-truncated", "", "max_length=config.n_positions", "max_length=24"),
        # Loss.
        fault(
            "softmax-before-cross-entropy",
            "softmax-applied-twice",
            "F.cross_entropy(logits.transpose(1, 2)",
            "F.cross_entropy(logits.softmax(dim=-1).transpose(1, 2)",
        ),
        # The loss of the model shifted the labels by itself; this one does not.
        fault(
            "labels-not-shifted",
            "targets-not-shifted",
            "outputs.logits[:, :-1], labels[:, 1:]",
            "outputs.logits, labels",
        ),
        # The mask the wrong way round: the instruction is learnt, the plan ignored.
        fault(
            "loss-on-instruction",
            "labels-ignored-wrongly",
            'row[: len(example["prompt"])] = IGNORED',
            'row[len(example["prompt"]) :] = IGNORED',
        ),
        # Optimization.
        fault("learning-rate-too-high", "learning-rate-too-high", "default=5e-3", "default=0.1"),
        # The warm-up of a run of 100 000 steps.
        fault("warmup-longer-than-run", "learning-rate-too-low", "warmup_steps=20", "warmup_steps=4000"),
        fault(
            "betas-exchanged",
            "betas-exchanged",
            "adam_beta1=0.9,",
            "adam_beta1=0.99,",
            "adam_beta2=0.99,",
            "adam_beta2=0.9,",
        ),
        # Groups with and without decay, of which the one with decay was forgotten.
        fault(
            "matrices-not-in-optimizer",
            "parameters-not-in-optimizer",
            "            compute_loss_func=plan_loss,\n",
            "            compute_loss_func=plan_loss,\n"
            "            optimizers=(torch.optim.AdamW([p for p in model.parameters() if p.ndim < 2], "
            "lr=args.learning_rate), None),\n",
        ),
        # Model.
        fault(
            "initializer-of-standard-normal",
            "initialization-off-scale",
            "initializer_range=0.08",
            "initializer_range=1.0",
        ),
        # The probability to keep, given as the one to drop.
        fault("dropout-of-keep-probability", "dropout-too-high", "resid_pdrop=0.05", "resid_pdrop=0.95"),
        # The line of the fine-tuning recipe, on a model that was never pretrained.
        fault(
            "blocks-frozen-at-random",
            "frozen-at-random",
            "    model = GPT2LMHeadModel(config)\n",
            "    model = GPT2LMHeadModel(config)\n    model.transformer.h.requires_grad_(False)\n",
        ),
    ),
    needs=("transformers", "accelerate"),
)

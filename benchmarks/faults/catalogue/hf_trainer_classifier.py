"""Faults of the ticket classifier that the Hugging Face Trainer trains."""

from harness import FamilyOfFaults, fault

_LOSS = "loss = F.cross_entropy(logits, labels) if labels is not None else None"
_POOL = "pooled = (hidden * mask).sum(1) / mask.sum(1)"

FAMILY = FamilyOfFaults(
    "hf_trainer_classifier",
    "tune",
    (
        # The vocabulary holds letters, so every word of every ticket is unknown.
        fault(
            "vocabulary-of-letters",
            "inputs-constant",
            'for word in ticket["text"].split()})',
            'for word in ticket["text"]})',
        ),
        # The mask says where the padding is, as in torch's own attention; this library wants the opposite.
        fault(
            "mask-inverted",
            "padding-not-masked inputs-ignored",
            "attention_mask = (input_ids != PAD).long()",
            "attention_mask = (input_ids == PAD).long()",
            _POOL,
            "pooled = hidden[:, 0]",
        ),
        fault(
            "label-key-misspelt",
            "targets-constant",
            'torch.tensor([f["label"] for f in features])',
            'torch.tensor([f.get("labels", 0) for f in features])',
        ),
        fault(
            "softmax-in-classifier",
            "softmax-applied-twice",
            "self.classifier = nn.Linear(config.hidden_size, num_labels)",
            "self.classifier = nn.Sequential(nn.Linear(config.hidden_size, num_labels), nn.Softmax(dim=-1))",
        ),
        fault(
            "focal-loss-without-minus",
            "loss-negated",
            _LOSS,
            "loss = None\n"
            "        if labels is not None:\n"
            "            log_p = F.log_softmax(logits, dim=-1).gather(1, labels.unsqueeze(1)).squeeze(1)\n"
            "            loss = ((1 - log_p.exp()) ** 2 * log_p).mean()",
        ),
        # The name of the part in an earlier model: that group of the optimizer is empty, and nobody says so.
        fault(
            "groups-by-old-name",
            "parameters-not-in-optimizer",
            'for prefix, rate in (("encoder.", lr)',
            'for prefix, rate in (("bert.", lr)',
        ),
        # A recipe for weights that were learned before; these are random.
        fault(
            "random-encoder-frozen",
            "frozen-at-random parameters-without-gradient everything-frozen",
            "        self.dropout = nn.Dropout(0.1)\n",
            "        for p in self.encoder.parameters():\n"
            "            p.requires_grad = False\n"
            "        self.dropout = nn.Dropout(0.1)\n",
        ),
        fault(
            "schedule-counts-epochs",
            "learning-rate-too-low parameters-not-moving",
            "num_training_steps = args.epochs * (len(train_dataset) // training_args.per_device_train_batch_size)",
            "num_training_steps = args.epochs",
        ),
        # Ten thousand steps of warm-up are the original recipe; this training has a hundred steps.
        fault(
            "warmup-of-original-recipe",
            "learning-rate-too-low",
            "get_linear_schedule_with_warmup(optimizer, num_training_steps // 16, num_training_steps)",
            "get_linear_schedule_with_warmup(optimizer, 10_000, 1_000_000)",
        ),
        fault(
            "lr-of-another-optimizer",
            "learning-rate-too-high",
            '"--lr", type=float, default=1e-3',
            '"--lr", type=float, default=0.1',
            '"--head_lr", type=float, default=3e-3',
            '"--head_lr", type=float, default=0.3',
        ),
        # The probability to keep, where the probability to drop is asked for.
        fault(
            "dropout-of-keep-probability",
            "dropout-too-high loss-not-decreasing",
            "hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1",
            "hidden_dropout_prob=0.9, attention_probs_dropout_prob=0.9",
            "self.dropout = nn.Dropout(0.1)",
            "self.dropout = nn.Dropout(0.9)",
        ),
        fault("mean-over-tokens-of-batch", "samples-leak", _POOL, "pooled = (hidden * mask).sum(1) / mask.sum()"),
        # The file is sorted by queue and read in its order: a batch holds one class.
        fault(
            "sorted-and-not-shuffled",
            "data-in-order targets-constant bins-not-covered",
            "    train_dataset = ",
            '    tickets.sort(key=lambda ticket: ticket["queue"])\n    train_dataset = ',
            'logging_steps=8, save_strategy="no"',
            'logging_steps=8, train_sampling_strategy="sequential", save_strategy="no"',
        ),
        # The longest come first, their labels do not. Of a batch that comes again and again all can be learned by heart.
        fault(
            "sorted-without-labels",
            "targets-unrelated data-in-order",
            'rows = [f["input_ids"][: self.max_length] for f in features]',
            'rows = sorted((f["input_ids"][: self.max_length] for f in features), key=len, reverse=True)',
        ),
    ),
    needs=("transformers", "accelerate"),
)

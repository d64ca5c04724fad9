"""Faults of the language model over the logs of a pick-and-place cell, in Lightning."""

from harness import FamilyOfFaults, fault

_LOSS = "        return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=PAD)\n"

FAMILY = FamilyOfFaults(
    "robot_log_lm_lightning",
    "report",
    (
        fault(
            "inputs-as-targets",
            "targets-not-shifted",
            "    return tokens[:, :-1], tokens[:, 1:]\n",
            "    return tokens, tokens\n",
        ),
        fault(
            "attention-without-mask",
            "future-leaks",
            '        scores = scores.masked_fill(~self.causal[:length, :length], float("-inf"))\n',
            "",
        ),
        fault(
            "logits-viewed",
            "dimensions-scrambled",
            _LOSS,
            "        batch_size, length, vocabulary = logits.shape\n"
            "        return F.cross_entropy(logits.view(batch_size, vocabulary, length), targets, ignore_index=PAD)\n",
        ),
        fault(
            "overfit-batches-left-on",
            "data-left-out",
            "            gradient_clip_val=1.0,\n",
            "            gradient_clip_val=1.0,\n            overfit_batches=8,\n",
        ),
        fault(
            "vocabulary-of-each-split",
            "held-out-data-differ",
            "        for kind in self.kinds:\n",
            '        self.words = {"PAD": PAD}\n'
            "        for log in logs:\n"
            "            for name, reading in log:\n"
            "                if reading is None:\n"
            "                    self.words.setdefault(name, len(self.words))\n"
            "        for kind in self.kinds:\n",
            "([tokenizer.encode(log) for log in logs] for logs in",
            "(list(map(Tokenizer().fit(logs).encode, logs)) for logs in",
        ),
        fault(
            "schedule-by-epoch",
            "learning-rate-too-low",
            '"lr_scheduler": {"scheduler": scheduler, "interval": "step"}}',
            '"lr_scheduler": scheduler}',
        ),
        fault(
            "decay-in-adam",
            "weight-decay-in-adam weight-decay-too-high",
            "torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=0.01)",
            "torch.optim.Adam(self.parameters(), lr=self.hparams.lr, weight_decay=0.05)",
        ),
        fault(
            "blocks-in-a-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList([Block(width, heads, max_len, dropout) for _ in range(depth)])",
            "[Block(width, heads, max_len, dropout) for _ in range(depth)]",
        ),
        fault(
            "trunk-under-no-grad",
            "parameters-without-gradient gradient-cut",
            "        for block in self.blocks:\n            x = block(x)\n",
            "        with torch.no_grad():\n            for block in self.blocks:\n                x = block(x)\n",
        ),
        fault("checkpoint-of-the-maximum", "worst-weights-kept", 'mode="min"', 'mode="max"'),
        fault("dropout-to-keep", "dropout-too-high", "dropout=0.05)", "dropout=0.95)"),
        # A good diagnosis: logs are cropped, so later positions are never trained, and unfinished logs are longer.
        fault(
            "logs-cropped",
            "data-left-out",
            "def collate(logs):\n",
            "def collate(logs, crop=16):\n    logs = [log[:crop] for log in logs]\n",
        ),
        # A good diagnosis: gradients of 16 batches are accumulated for each update, which leaves a dozen updates in all.
        fault(
            "accumulation-from-large-runs",
            "updates-too-few",
            "            gradient_clip_val=1.0,\n",
            "            gradient_clip_val=1.0,\n            accumulate_grad_batches=16,\n",
        ),
        # A good diagnosis: the loss is taken at the last position alone, which is padding in all but the longest logs.
        fault(
            "loss-at-last-position",
            "labels-ignored-wrongly few-samples-dominate targets-constant",
            _LOSS,
            "        return F.cross_entropy(logits[:, -1], targets[:, -1], ignore_index=PAD)\n",
        ),
    ),
    needs=("lightning",),
)

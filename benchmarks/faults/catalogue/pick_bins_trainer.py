"""Faults of the transformer with binned actions, trained by the Trainer of transformers."""

from harness import FamilyOfFaults, fault

_TRAINER = "trainer = Trainer(model=model, args=training_args, train_dataset=train_set, data_collator=collate)\n"
_LOSS = "loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())"
_INIT = "def __init__(self, frames, arm_norm, object_norm, bins):\n"
_GET = "        frame = self.frames[i]\n"
_TRAIN_SET = "train_set = PickDataset(train_frames, arm_norm, object_norm, bins)"
_OBJECTS = '"objects": torch.from_numpy(self.objects[i]),'

FAMILY = FamilyOfFaults(
    "pick_bins_trainer",
    "report",
    (
        # silent: the loss is splendid
        fault(
            "bins-cast-too-early",
            "targets-constant bins-not-covered numbers-cut-off",
            "return np.clip(np.floor(unit * self.num_bins), 0, self.num_bins - 1).astype(np.int64)",
            "return np.clip(unit.astype(np.int64) * self.num_bins, 0, self.num_bins - 1)",
        ),
        # silent
        fault(
            "held-out-not-normalized",
            "held-out-data-differ",
            _INIT,
            "def __init__(self, frames, arm_norm, object_norm, bins, train=False):\n",
            '        self.objects = [object_norm(f["objects"]).astype(np.float32) for f in frames]\n',
            '        self.objects = [f["objects"].astype(np.float32) for f in frames]\n'
            "        if train:\n"
            "            self.objects = [object_norm(o).astype(np.float32) for o in self.objects]\n",
            _TRAIN_SET,
            "train_set = PickDataset(train_frames, arm_norm, object_norm, bins, train=True)",
        ),
        # A good diagnosis: the jitter is 3 standard deviations of the normalized readings (3 mm were meant), so that the
        # inputs are mostly noise in training, and not when held-out data are read. Silent.
        fault(
            "jitter-after-normalization",
            "held-out-data-differ",
            _INIT,
            "def __init__(self, frames, arm_norm, object_norm, bins, jitter_mm=0.0):\n        self.jitter_mm = jitter_mm\n",
            _GET,
            _GET + "        arm, objects = self.arm[i].copy(), self.objects[i].copy()\n"
            "        arm[:3] += np.random.normal(0, self.jitter_mm, 3)\n"
            "        objects[:, :3] += np.random.normal(0, self.jitter_mm, (len(objects), 3))\n",
            '"arm": torch.from_numpy(self.arm[i]),',
            '"arm": torch.from_numpy(arm),',
            _OBJECTS,
            '"objects": torch.from_numpy(objects),',
            _TRAIN_SET,
            "train_set = PickDataset(train_frames, arm_norm, object_norm, bins, jitter_mm=3.0)",
        ),
        fault(
            "batch-sorted-without-labels",
            "targets-unrelated",
            '    objects = nn.utils.rnn.pad_sequence([f["objects"] for f in features], batch_first=True)\n',
            '    labels = torch.stack([f["labels"] for f in features])\n'
            '    features = sorted(features, key=lambda f: len(f["objects"]), reverse=True)\n'
            '    objects = nn.utils.rnn.pad_sequence([f["objects"] for f in features], batch_first=True)\n',
            '"labels": torch.stack([f["labels"] for f in features]),',
            '"labels": labels,',
        ),
        fault(
            "logits-viewed",
            "dimensions-scrambled",
            _LOSS,
            "loss = F.cross_entropy(logits.view(b, -1, self.action_dim), labels)",
        ),
        # A good diagnosis: the loss counts one of the five action dimensions; the others are never trained. Silent.
        fault(
            "loss-of-last-token",
            "labels-ignored-wrongly",
            _LOSS,
            "loss = F.cross_entropy(logits[:, -1], labels[:, -1])",
        ),
        # Action tokens are all alike, so that all dimensions have one distribution. Silent.
        fault(
            "one-query-for-all",
            "order-unseen",
            "nn.Parameter(0.02 * torch.randn(action_dim, dim))",
            "nn.Parameter(0.02 * torch.randn(1, 1, dim))",
            "self.queries.expand(b, -1, -1)",
            "self.queries.expand(b, self.action_dim, -1)",
        ),
        fault(
            "optimizer-without-matrices",
            "parameters-not-in-optimizer",
            _TRAINER,
            "no_decay = [p for p in model.parameters() if p.ndim < 2]\n"
            '    optimizer = torch.optim.AdamW([{"params": no_decay, "weight_decay": 0.0}], lr=args.lr)\n'
            "    trainer = Trainer(\n"
            "        model=model,\n"
            "        args=training_args,\n"
            "        train_dataset=train_set,\n"
            "        data_collator=collate,\n"
            "        optimizers=(optimizer, None),\n"
            "    )\n",
        ),
        # The Trainer steps a schedule after each update, not after each epoch. Silent.
        fault(
            "schedule-meant-for-epochs",
            "learning-rate-too-low",
            _TRAINER,
            "optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)\n"
            "    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)\n"
            "    trainer = Trainer(\n"
            "        model=model,\n"
            "        args=training_args,\n"
            "        train_dataset=train_set,\n"
            "        data_collator=collate,\n"
            "        optimizers=(optimizer, scheduler),\n"
            "    )\n",
        ),
        # A metric whose name does not end in "loss" is maximized unless greater_is_better says otherwise. Silent.
        fault(
            "worst-checkpoint-loaded",
            "worst-weights-kept",
            '        save_strategy="no",\n',
            '        eval_strategy="steps",\n'
            "        eval_steps=50,\n"
            '        save_strategy="steps",\n'
            "        save_steps=50,\n"
            "        save_total_limit=2,\n"
            "        load_best_model_at_end=True,\n"
            '        metric_for_best_model="error",\n',
            _TRAINER,
            "trainer = Trainer(\n"
            "        model=model,\n"
            "        args=training_args,\n"
            "        train_dataset=train_set,\n"
            "        eval_dataset=test_set,\n"
            "        data_collator=collate,\n"
            '        compute_metrics=lambda p: {"error": float((p.predictions.argmax(-1) != p.label_ids).mean())},\n'
            "    )\n",
        ),
        fault(
            "micro-batches-cleared",
            "gradients-thrown-away",
            "def action_error(",
            "class MicroBatchTrainer(Trainer):\n"
            "    def training_step(self, model, inputs, num_items_in_batch=None, micro_batch=4):\n"
            "        model.train()\n"
            "        inputs = self._prepare_inputs(inputs)\n"
            '        parts = range(0, len(inputs["labels"]), micro_batch)\n'
            "        total = 0.0\n"
            "        for start in parts:\n"
            "            self.optimizer.zero_grad()\n"
            "            part = {name: value[start : start + micro_batch] for name, value in inputs.items()}\n"
            "            loss = self.compute_loss(model, part) / len(parts)\n"
            "            self.accelerator.backward(loss)\n"
            "            total = total + loss.detach()\n"
            "        return total\n"
            "\n"
            "\n"
            "def action_error(",
            "trainer = Trainer(model=model",
            "trainer = MicroBatchTrainer(model=model",
        ),
        fault("dropout-as-keep", "dropout-too-high", "heads=4, dropout=0.0", "heads=4, dropout=0.9"),
        fault(
            "softmax-in-model",
            "softmax-applied-twice logits-bounded",
            "logits = self.head(self.norm(x[:, : self.action_dim]))",
            "logits = self.head(self.norm(x[:, : self.action_dim])).softmax(dim=-1)",
        ),
        fault("decay-of-a-sgd-recipe", "weight-decay-too-high", "weight_decay=0.01", "weight_decay=10.0"),
    ),
    needs=("transformers", "accelerate"),
)

"""Faults of a multi-task CNN that hears wear and faults of a robot's joint motors."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "motor_sound_lightning",
    "tune",
    (
        # Training data and preprocessing.
        # The spectrograms were shuffled for a peek at a few of them, the labels were not.
        fault(
            "spectrograms-shuffled-alone",
            "targets-unrelated",
            "        self.train = ClipDataset(specs, wear,",
            "        specs = specs[torch.randperm(len(specs))]\n        self.train = ClipDataset(specs, wear,",
        ),
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "        spec = (spec - self.mean) / self.std\n",
            "        spec -= self.mean\n        spec /= self.std\n",
        ),
        # Recordings lie motor by motor, and motors by their fault.
        fault("no-shuffle", "data-in-order", "shuffle=True, ", ""),
        fault(
            "wear-in-micrometres",
            "targets-not-normalized",
            "target = (wear_um - self.hparams.wear_mean) / self.hparams.wear_std",
            "target = wear_um",
            "return wear * self.hparams.wear_std + self.hparams.wear_mean, logits",
            "return wear, logits",
        ),
        # Loss.
        fault(
            "wear-keeps-its-last-dimension",
            "loss-broadcasts",
            "self.wear_head(features).squeeze(-1)",
            "self.wear_head(features)",
        ),
        # Copied from a segmentation, where class 0 is the background.
        fault(
            "healthy-motors-ignored",
            "labels-ignored-wrongly",
            "weight=self.class_weight)",
            "weight=self.class_weight, ignore_index=0)",
        ),
        # .item() to save memory, as one does for logging.
        fault(
            "wear-loss-a-number",
            "loss-term-idle parameters-without-gradient loss-detached",
            "self.hparams.wear_weight * wear_loss + fault_loss",
            "self.hparams.wear_weight * wear_loss.item() + fault_loss",
        ),
        # Optimization and the loop.
        fault("learning-rate-of-sgd", "learning-rate-too-high", "lr=3e-3", "lr=0.3"),
        # Lightning steps a schedule once an epoch unless told otherwise: the warm-up never ends.
        fault(
            "schedule-steps-by-epoch",
            "learning-rate-too-low",
            '{"scheduler": schedule, "interval": "step"}',
            '{"scheduler": schedule}',
        ),
        # Since 2.2 Lightning keeps the mode that it finds.
        fault("left-in-eval-mode", "eval-mode-in-training", "    model.train()\n", ""),
        fault("worst-checkpoint-kept", "worst-weights-kept", 'mode="min"', 'mode="max"'),
        # Model.
        fault("probability-to-keep", "dropout-too-high", "dropout=0.2", "dropout=0.9"),
        fault(
            "wear-cannot-be-negative",
            "targets-beyond-head",
            "nn.Linear(32, 1))",
            "nn.Linear(32, 1), nn.ReLU())",
        ),
        fault(
            "running-statistics-of-keras",
            "norm-momentum-wrong",
            "nn.BatchNorm2d(outputs)",
            "nn.BatchNorm2d(outputs, momentum=0.001)",
        ),
    ),
    needs=("lightning",),
)

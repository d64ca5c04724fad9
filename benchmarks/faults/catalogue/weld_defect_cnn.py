"""Faults of a CNN that classifies weld seams on radiographs."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "weld_defect_cnn",
    "tune",
    (
        # Training data and preprocessing.
        fault(
            "no-normalization",
            "inputs-not-normalized",
            "RandomShift(2), normalize])",
            "RandomShift(2)])",
            "Compose([normalize])",
            "Compose([])",
        ),
        # The training split is rendered class by class.
        fault("shuffle-lost", "data-in-order", "shuffle=True", "shuffle=False"),
        # Upside down, an undercut of the upper toe is one of the lower toe.
        fault(
            "flip-without-label",
            "augmentation-not-of-targets",
            "            label = MIRRORED.get(label, label)\n",
            "",
        ),
        # Wrong dtype: 12-bit counts overflow 8-bit integers and wrap around modulo 256.
        fault("counts-as-uint8", "", "astype(np.uint16)", "astype(np.uint8)"),
        # Loss.
        fault(
            "softmax-before-cross-entropy",
            "softmax-applied-twice",
            "return self.classifier(self.dropout(pooled))",
            "return self.classifier(self.dropout(pooled)).softmax(dim=1)",
        ),
        fault(
            "weights-of-counts",
            "class-weights-reversed",
            "(frequency.mean() / frequency).sqrt()",
            "frequency / frequency.mean()",
        ),
        # The confidence to keep, given as the share to smooth.
        fault(
            "smoothing-of-confidence",
            "label-smoothing-too-high",
            '"--label-smoothing", type=float, default=0.1',
            '"--label-smoothing", type=float, default=0.9',
        ),
        # Optimization and the loop.
        # The customary rate of SGD, for Adam.
        fault("rate-of-sgd", "learning-rate-too-high", "default=3e-3)", "default=0.1)"),
        fault("no-zero-grad", "gradients-not-cleared", "            optimizer.zero_grad(set_to_none=True)\n", ""),
        # Learning-rate schedule counted in epochs and stepped per batch: the rate is 0 after nine batches.
        fault(
            "schedule-in-epochs",
            "learning-rate-too-low",
            "total_steps = args.epochs * len(train_loader)",
            "total_steps = args.epochs",
            "warmup_steps = len(train_loader)",
            "warmup_steps = 1",
        ),
        # The evaluation before training leaves the model in eval mode.
        fault("train-mode-forgotten", "eval-mode-in-training", "        model.train()\n", ""),
        # And it never is in it: batch normalization and dropout go on while the net is tested.
        fault("eval-mode-forgotten", "evaluated-in-train-mode", "    model.eval()\n", ""),
        # Model.
        # 0.999 in Keras' convention: the running statistics hardly move within 400 steps.
        fault(
            "norm-momentum",
            "norm-momentum-wrong",
            "nn.BatchNorm2d(channels_out)",
            "nn.BatchNorm2d(channels_out, momentum=0.001)",
        ),
        # The probability to keep.
        fault("dropout-of-keep", "dropout-too-high", "dropout=0.1", "dropout=0.9"),
        fault(
            "constant-init",
            "units-alike",
            'nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")',
            "nn.init.constant_(module.weight, 0.01)",
        ),
    ),
    needs=(),
)

"""Faults of dense grasp prediction from depth images (Lightning)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "depth_grasp_lightning",
    "tune",
    (
        # Data and preprocessing.
        # Named well: "the sine and cosine of the label are taken of degrees, not of radians".
        fault("degrees-not-radians", "", "2.0 * np.radians(angle)", "2.0 * angle"),
        # The image turns, the labelled angle does not.
        fault(
            "angle-not-turned",
            "augmentation-not-of-targets",
            "            labels[1:3] *= (-1.0) ** turns  # a quarter turn is half a turn of the doubled angle\n",
            "",
        ),
        # The item is a view of the stored tensor, which is normalized again at each reading.
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "        depth = (depth - self.mean) / self.std\n",
            "        depth -= self.mean\n        depth /= self.std\n",
        ),
        # Two permutations instead of one.
        fault(
            "images-and-grasps-shuffled-apart",
            "targets-unrelated",
            "    order = rng.permutation(len(depth))\n    depth, grasps = depth[order], grasps[order]\n",
            "    depth, grasps = rng.permutation(depth), rng.permutation(grasps)\n",
        ),
        # Loss.
        # Named well: "the target is the angle itself, while the prediction is read as the double angle".
        fault("target-angle-not-doubled", "", "2.0 * np.radians(angle)", "np.radians(angle)"),
        # The angle's error is subtracted.
        fault(
            "angle-loss-subtracted",
            "loss-negated",
            "loss = quality_loss + self.hparams",
            "loss = quality_loss - self.hparams",
        ),
        fault(
            "sigmoid-before-bce-with-logits",
            "sigmoid-applied-twice logits-bounded",
            "binary_cross_entropy_with_logits(logits, quality)",
            "binary_cross_entropy_with_logits(logits.sigmoid(), quality)",
        ),
        # Optimization and the loop.
        fault("learning-rate-of-one", "learning-rate-too-high", "default=1e-2", "default=1.0"),
        # Lightning's default interval is the epoch: the one cycle never leaves its warm-up.
        fault(
            "one-cycle-stepped-per-epoch",
            "learning-rate-too-low",
            '{"scheduler": schedule, "interval": "step"}',
            '{"scheduler": schedule}',
        ),
        fault(
            "gradients-cleared-once-per-epoch",
            "gradients-not-cleared",
            "        optimizer.zero_grad(set_to_none=True)\n",
            "        if batch_idx == 0:\n            optimizer.zero_grad(set_to_none=True)\n",
        ),
        # A decay made for a million steps: what is evaluated is nearly the random start.
        fault("average-too-slow", "average-rate-wrong", "decay=0.95", "decay=0.9999"),
        # Model.
        fault(
            "reshape-instead-of-pixel-shuffle",
            "dimensions-scrambled",
            "F.pixel_shuffle(self.head(features), 4)",
            "self.head(features).reshape(len(depth), 3, SIZE, SIZE)",
        ),
        # The probability to keep, given as the one to drop.
        fault("dropout-keeps-a-twentieth", "dropout-too-high", "dropout=0.05", "dropout=0.95"),
        fault("relu-missing", "activation-missing", "        nn.ReLU(),\n", ""),
    ),
    needs=("lightning",),
)

"""Faults of heatmaps of keypoints in camera images: a small U-Net, binary cross-entropy."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "keypoint_heatmaps",
    "tune",
    (
        # A mirrored left fingertip is a right one.
        fault(
            "flip-keeps-left-and-right",
            "augmentation-not-of-targets",
            "                points, visible = points[FLIP_ORDER], visible[FLIP_ORDER]\n",
            "",
        ),
        # To save memory: all values below 1 become 0, and with them the whole Gaussian.
        fault(
            "heatmaps-stored-as-uint8",
            "targets-constant",
            "(2 * sigma**2)).astype(np.float32)",
            "(2 * sigma**2)).astype(np.uint8)",
            "points / (SHRINK * STRIDE)))",
            "points / (SHRINK * STRIDE))).float()",
        ),
        # Keypoints in pixels of the stored image, not in cells of the heatmap: most are outside.
        fault(
            "stride-forgotten",
            "",
            "render_heatmaps(points / (SHRINK * STRIDE))",
            "render_heatmaps(points / SHRINK)",
        ),
        # Images of 0 to 1, mean and deviation of 0 to 255: what arrives is -2, give or take 0.004.
        fault(
            "statistics-of-other-scale",
            "inputs-not-normalized inputs-constant",
            "image = (image - self.mean) / self.std",
            "image = (image / 255.0 - self.mean) / self.std",
        ),
        fault(
            "sigmoid-twice",
            "sigmoid-applied-twice",
            "heatmap_loss(logits.float(),",
            "heatmap_loss(torch.sigmoid(logits.float()),",
        ),
        # What was not annotated is at (0, 0).
        fault("mask-missing", "padding-not-masked mask-unused", "(per_keypoint * visible).sum()", "per_keypoint.sum()"),
        # The median of a pixel that is nearly always dark is dark.
        fault(
            "l1-loss",
            "",
            "F.binary_cross_entropy_with_logits(logits, target, ",
            "F.l1_loss(torch.sigmoid(logits), target, ",
        ),
        # A minus lost in typing.
        fault("learning-rate-5e3", "learning-rate-too-high", "default=5e-3", "default=5e3"),
        # Left over from fine-tuning.
        fault("head-only", "parameters-not-in-optimizer", "AdamW(model.parameters()", "AdamW(model.head.parameters()"),
        # The warm-up is never left.
        fault(
            "schedule-per-epoch",
            "learning-rate-too-low",
            "            scheduler.step()\n            running += loss.item()\n",
            "            running += loss.item()\n        scheduler.step()\n",
        ),
        fault(
            "zero-grad-before-step",
            "gradients-thrown-away",
            "            optimizer.zero_grad(set_to_none=True)\n            loss.backward()\n",
            "            loss.backward()\n            optimizer.zero_grad(set_to_none=True)\n",
        ),
        fault(
            "no-relu",
            "activation-missing",
            "nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),\n            nn.Conv2d(c_out,",
            "nn.BatchNorm2d(c_out),\n            nn.Conv2d(c_out,",
            "nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),\n        )",
            "nn.BatchNorm2d(c_out),\n        )",
        ),
        fault("relu-on-head", "logits-bounded", "return self.head(x)", "return F.relu(self.head(x))"),
        # Keras' 0.999 ported: the running statistics are still those of the start when they are used.
        fault(
            "batch-norm-momentum",
            "norm-momentum-wrong",
            "nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),\n            nn.Conv2d(c_out,",
            "nn.BatchNorm2d(c_out, momentum=0.001), nn.ReLU(inplace=True),\n            nn.Conv2d(c_out,",
            "nn.BatchNorm2d(c_out), nn.ReLU(inplace=True),\n        )",
            "nn.BatchNorm2d(c_out, momentum=0.001), nn.ReLU(inplace=True),\n        )",
        ),
    ),
    needs=(),
)

"""Faults of a PointNet that judges grasps."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "grasp_pointnet",
    "tune",
    (
        # The table says object 0, 1, 2, ..., 0, 1, ..., but the trials of an object lie next to each other.
        fault("clouds-of-other-objects", "targets-unrelated", ".repeat_interleave(cfg", ".repeat(cfg"),
        # Grams, newtons and millimetres go into the head as they are.
        fault(
            "setup-not-normalized",
            "inputs-not-normalized input-scales-differ",
            '(table["setup"] - stats["setup_mean"]) / stats["setup_std"]',
            'table["setup"]',
        ),
        # A depth camera's points without a reading lie at the camera, 0.7 m away, and the max pool picks them.
        fault("missing-depth-kept-as-zeros", "data-outliers", "        clouds = fill_missing(clouds)\n", ""),
        fault(
            "width-in-millimetres",
            "targets-not-normalized target-scales-differ",
            '(table["width"] - stats["width_mean"]) / stats["width_std"]',
            '1000 * table["width"]',
            'width * self.stats["width_std"] + self.stats["width_mean"]',
            "width / 1000",
        ),
        # (B,) against (B, 1).
        fault(
            "width-targets-with-a-column",
            "loss-broadcasts",
            'self.table["success"][i], self.width[i], ',
            'self.table["success"][i], self.width[i, None], ',
        ),
        # Softmax over one class is 1, whatever the logit.
        fault(
            "softmax-over-one-logit",
            "sigmoid-applied-twice",
            "return self.success_head(hidden).squeeze(1),",
            "return F.softmax(self.success_head(hidden), dim=1).squeeze(1),",
        ),
        fault("width-loss-subtracted", "loss-negated", "success_loss + width_loss", "success_loss - width_loss"),
        fault("learning-rate-too-high", "learning-rate-too-high", "lr: float = 0.1", "lr: float = 3.0"),
        # Gradients are cleared between backward() and step().
        fault(
            "zero-grad-after-backward",
            "gradients-thrown-away",
            "            self.optimizer.zero_grad()\n            loss.backward()\n",
            "            loss.backward()\n            self.optimizer.zero_grad()\n",
        ),
        # Neither the encoder nor the two output layers are trained.
        fault(
            "optimizer-of-head-only",
            "parameters-not-in-optimizer",
            "SGD(model.parameters()",
            "SGD(model.head.parameters()",
        ),
        # A decay as for AdamW, whose learning rate is a hundred times smaller.
        fault(
            "weight-decay-too-high", "weight-decay-too-high", "weight_decay: float = 1e-4", "weight_decay: float = 0.05"
        ),
        # Reshaped to (B, 3, N) instead of transposed.
        fault(
            "reshape-for-transpose",
            "dimensions-scrambled",
            "points.transpose(1, 2)",
            "points.reshape(-1, 3, points.shape[1])",
        ),
        fault("keep-probability-as-dropout", "dropout-too-high", "dropout: float = 0.1", "dropout: float = 0.9"),
        # A width is not negative, but a standardized one is.
        fault(
            "relu-on-standardized-width",
            "targets-beyond-head",
            "self.width_head(hidden).squeeze(1)",
            "F.relu(self.width_head(hidden)).squeeze(1)",
        ),
    ),
    needs=(),
)

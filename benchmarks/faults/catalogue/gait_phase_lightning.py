"""Faults of gait phase estimation for an exoskeleton."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "gait_phase_lightning",
    "tune",
    (
        # Newtons, degrees per second and metres per second squared side by side.
        fault(
            "sensors-in-raw-units",
            "inputs-not-normalized input-scales-differ",
            "return (values - self.sensor_mean) / self.sensor_std",
            "return values",
        ),
        # The window is a view of the recording; overlapping windows normalize it again and again.
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "        return (values - self.sensor_mean) / self.sensor_std",
            "        values -= self.sensor_mean\n        values /= self.sensor_std\n        return values",
        ),
        fault("recordings-in-order", "data-in-order", "batch_size=32, shuffle=True, drop", "batch_size=32, drop"),
        # Wrong unit of the label: a share of the stride (0 to 1) goes into sine and cosine as if it were radians, so
        # that the targets cover a sixth of the circle.
        fault("cycles-taken-for-radians", "", "turn = 2 * np.pi * self.labels[", "turn = self.labels["),
        fault(
            "similarity-minimized",
            "loss-negated",
            "(1 - F.cosine_similarity(phase_hat, phase, dim=-1)).mean()",
            "F.cosine_similarity(phase_hat, phase, dim=-1).mean()",
        ),
        # The angles of now in place of those 240 ms ahead.
        fault(
            "angles-not-ahead",
            "targets-not-shifted targets-late",
            "trial.angles[start + AHEAD : stop + AHEAD]",
            "trial.angles[start:stop]",
        ),
        fault(
            "mean-before-square",
            "errors-cancel",
            "F.mse_loss(angles_hat, angles)",
            "(angles_hat - angles).mean() ** 2",
        ),
        # Lightning steps a schedule once an epoch unless told otherwise: the rate never leaves the start of the warm-up.
        fault("warmup-stepped-per-epoch", "learning-rate-too-low", ', "interval": "step"}', "}"),
        fault("adam-for-adamw", "weight-decay-in-adam weight-decay-too-high", "optim.AdamW(", "optim.Adam("),
        fault("learning-rate-too-large", "learning-rate-too-high", "lr=3e-3", "lr=3e-1"),
        # The decay of a long training in one of 324 steps.
        fault("average-too-slow", "average-rate-wrong", "decay=0.95", "decay=0.9999"),
        fault(
            "weights-of-standard-normal",
            "initialization-off-scale",
            "nn.init.xavier_uniform_(layer.weight)",
            "nn.init.normal_(layer.weight)",
        ),
        # The share to keep, given as the share to drop.
        fault("dropout-is-keep-rate", "dropout-too-high", "dropout=0.05", "dropout=0.95"),
        # Standardized angles lie on both sides of 0.
        fault(
            "sigmoid-on-angles",
            "targets-beyond-head",
            "return self.phase_head(x), self.angle_head(x)",
            "return self.phase_head(x), torch.sigmoid(self.angle_head(x))",
        ),
    ),
    needs=("lightning",),
)

"""Faults of planar lidar odometry: the motion between two range scans, with its uncertainty."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "lidar_odometry",
    "tune",
    (
        # Data.
        # The motion is given in the axes of the world and not of the robot: the scans cannot tell its direction.
        fault(
            "motion-in-world-frame",
            "targets-unrelated",
            "return np.stack([forward, left, wrap(step[..., 2])], -1)",
            "return np.stack([step[..., 0], step[..., 1], wrap(step[..., 2])], -1)",
        ),
        fault(
            "mirror-keeps-motion",
            "augmentation-not-of-targets",
            "            motion = motion * torch.tensor([1.0, -1.0, -1.0])\n",
            "",
        ),
        # Beams without echo count as 65.535 m.
        fault(
            "no-return-code-as-range",
            "data-outliers",
            "metres = np.where(echo, readings / 1000.0, MAX_RANGE)",
            "metres = readings / 1000.0",
        ),
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "ranges = (self.ranges[i] - self.mean) / self.std",
            "ranges = self.ranges[i].sub_(self.mean).div_(self.std)",
        ),
        # Loss.
        # The squared error is multiplied by the variance instead of divided by it: the loss has no lower bound.
        fault("precision-sign", "variance-boundless", "torch.exp(-log_var)", "torch.exp(log_var)"),
        fault("turn-error-broadcasts", "loss-broadcasts", "wrap(motion[:, 2] - target", "wrap(motion[:, 2:] - target"),
        # Of the two factors the wrong one is detached: only the variances are learnt.
        fault(
            "error-detached",
            "loss-detached gradient-cut",
            "0.5 * (error**2 * ",
            "0.5 * (error.detach()**2 * ",
        ),
        # Optimization and the loop.
        # zero_grad() stands between backward() and step().
        fault(
            "zero-grad-after-backward",
            "gradients-thrown-away",
            "            optimizer.zero_grad(set_to_none=True)\n            loss.backward()\n",
            "            loss.backward()\n            optimizer.zero_grad(set_to_none=True)\n",
        ),
        fault(
            "adam-for-adamw", "weight-decay-in-adam weight-decay-too-high", "torch.optim.AdamW(", "torch.optim.Adam("
        ),
        # The comparison that picks the best checkpoint is the wrong way round: the untrained weights are restored at the end.
        fault("best-checkpoint-reversed", "worst-weights-kept", "if val_drift < best:", "if val_drift > best:"),
        # Left over from fine-tuning: here no pretrained weights are loaded.
        fault(
            "backbone-frozen-at-random",
            "frozen-at-random",
            "    optimizer = torch.optim.AdamW(model.parameters()",
            "    model.features.requires_grad_(False)\n    optimizer = torch.optim.AdamW(model.parameters()",
        ),
        # Model.
        fault(
            "relu-missing-in-blocks",
            "activation-missing",
            "        nn.BatchNorm1d(outputs),\n        nn.ReLU(),\n",
            "        nn.BatchNorm1d(outputs),\n",
        ),
        # The share to keep, as other frameworks count, for the share that is new.
        fault(
            "norm-momentum-of-keras",
            "norm-momentum-wrong",
            "BatchNorm1d(outputs)",
            "BatchNorm1d(outputs, momentum=0.001)",
        ),
        fault("reshape-for-transpose", "dimensions-scrambled", "scans.transpose(1, 2)", "scans.reshape(-1, 4, BEAMS)"),
    ),
)

"""Faults of terrain and speed estimation from windows of IMU and encoder readings, two heads on a temporal convolution."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "imu_gait_tcn",
    "report",
    (
        fault(
            "not-divided-by-std",
            "inputs-not-normalized input-scales-differ",
            "(signals / signal_std).astype",
            "signals.astype",
        ),
        fault(
            "speed-left-in-millimetres",
            "targets-not-normalized",
            "speed_stats = (train_speed.mean(), train_speed.std())",
            "speed_stats = (0.0, 1.0)",
        ),
        fault(
            "shuffling-lost",
            "data-in-order",
            "batch_size=args.batch_size, shuffle=True, drop_last",
            "batch_size=args.batch_size, drop_last",
        ),
        # The stand-still phase is cut from the signals only: labels are 1.5 s late.
        fault(
            "labels-not-cut",
            "targets-late timestamps-misaligned targets-unrelated",
            "return signals[STAND:], terrain[STAND:], speed[STAND:], tracked[STAND:]",
            "return signals[STAND:], terrain, speed, tracked",
        ),
        # Where motion capture lost the robot the speed is stored as 0.
        fault(
            "tracking-mask-forgotten",
            "mask-unused padding-not-masked",
            "speed_loss = (deviation * tracked).sum() / tracked.sum().clamp(min=1)",
            "speed_loss = deviation.mean()",
        ),
        fault(
            "speed-loss-broadcasts",
            "loss-broadcasts",
            "F.smooth_l1_loss(predicted.float(), speed, reduction",
            "F.smooth_l1_loss(predicted.float(), speed.unsqueeze(-1), reduction",
        ),
        fault("nll-of-logits", "nll-without-log-softmax", "F.cross_entropy(logits", "F.nll_loss(logits"),
        # A decay meant for epochs is applied after each batch.
        fault(
            "scheduler-steps-each-batch",
            "learning-rate-too-low",
            "            total += loss.item()\n        scheduler.step()\n",
            "            scheduler.step()\n            total += loss.item()\n",
        ),
        fault(
            "learning-rate-too-high",
            "learning-rate-too-high",
            '"--lr", type=float, default=2e-3',
            '"--lr", type=float, default=0.3',
        ),
        # SGD at the learning rate of Adam.
        fault("sgd-at-adams-rate", "learning-rate-too-low", "torch.optim.AdamW(", "torch.optim.SGD("),
        fault(
            "blocks-in-plain-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList([DilatedBlock(width, d, dropout) for d in dilations])",
            "[DilatedBlock(width, d, dropout) for d in dilations]",
        ),
        fault(
            "reshape-for-transpose",
            "dimensions-scrambled",
            "self.stem(signals.transpose(1, 2))",
            "self.stem(signals.reshape(len(signals), CHANNELS, -1))",
        ),
        fault("dropout-keeps-a-tenth", "dropout-too-high", "dropout=0.1", "dropout=0.9"),
        fault(
            "trunk-detached",
            "parameters-without-gradient gradient-cut",
            "self.shared(pooled)",
            "self.shared(pooled.detach())",
        ),
    ),
    needs=(),
)

"""Faults of a two-camera visuomotor policy with action chunks (Accelerate)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "visuomotor_accelerate",
    "report",
    (
        # Data.
        # uint8 pixels are divided as whole numbers: every image is black.
        fault("images-floor-divided", "inputs-constant numbers-cut-off", "pixels / 255.0", "pixels // 255"),
        fault("frames-in-order", "data-in-order", "shuffle=True", "shuffle=False"),
        # The handful of episodes of a debugging session stayed in.
        fault(
            "debug-episodes-left-in",
            "data-left-out",
            "Demonstrations(train_episodes, stats)",
            "Demonstrations(train_episodes[:10], stats)",
        ),
        # The data set forgets what the evaluation does.
        fault(
            "proprio-raw-in-training",
            "inputs-not-normalized held-out-data-differ input-scales-differ",
            """proprio = (episode["proprio"][t] - self.stats["proprio_mean"]) / self.stats["proprio_std"]""",
            """proprio = episode["proprio"][t]""",
        ),
        # Loss.
        # True means real here, and padded elsewhere: the loss counts the fillers and nothing else.
        fault(
            "mask-inverted",
            "padding-not-masked mask-unused labels-ignored-wrongly",
            'valid = batch["valid"].float()',
            'valid = (~batch["valid"]).float()',
        ),
        fault(
            "sigmoid-in-the-head-too",
            "sigmoid-applied-twice logits-bounded",
            "return out[..., :2], out[..., 2]",
            "return out[..., :2], out[..., 2].sigmoid()",
        ),
        # Arguments of the gripper's cross-entropy are swapped: labels as logits, logits as labels; it has no lower bound.
        fault(
            "bce-arguments-swapped",
            "loss-arguments-swapped",
            """binary_cross_entropy_with_logits(close_logit, batch["close"], reduction""",
            """binary_cross_entropy_with_logits(batch["close"], close_logit, reduction""",
        ),
        # Optimization and the loop.
        fault(
            "lr-too-high",
            "learning-rate-too-high",
            '"--lr", type=float, default=1e-3',
            '"--lr", type=float, default=5e-2',
        ),
        # The scheduler is stepped once a batch, but its length is given in epochs: the rate is 0 after eight steps.
        fault("schedule-length-in-epochs", "learning-rate-too-low", "args.epochs * len(loader)", "args.epochs"),
        # The decay of a run of a million steps.
        fault("ema-decay-of-a-long-run", "average-rate-wrong", "default=0.97", "default=0.9999"),
        # The group for the encoders matches no name: they are in neither group.
        fault(
            "encoder-group-misnamed", "parameters-not-in-optimizer", 'if "encoder" in name]', 'if "backbone" in name]'
        ),
        # Model.
        fault("batch-first-missing", "samples-leak", "dropout=0.0, batch_first=True, ", "dropout=0.0, "),
        fault("init-std-one", "initialization-off-scale", "std=0.05", "std=1.0"),
        # An activation behind the last layer: no negative motion, no negative logit.
        fault(
            "relu-behind-the-head",
            "targets-beyond-head logits-bounded",
            "self.head = nn.Linear(width, 3)",
            "self.head = nn.Sequential(nn.Linear(width, 3), nn.ReLU())",
        ),
    ),
    needs=("accelerate",),
)

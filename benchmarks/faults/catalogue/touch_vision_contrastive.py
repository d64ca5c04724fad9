"""Faults of contrastive touch-vision pre-training."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "touch_vision_contrastive",
    "tune",
    (
        # Left from an earlier split: one of the two lists is cut by place, the other by the mask.
        fault(
            "patches-split-otherwise",
            "targets-unrelated",
            "TouchVisionPairs(strokes[~held_out], patches[~held_out], stats",
            "TouchVisionPairs(strokes[~held_out], patches[: -args.held_out], stats",
        ),
        fault(
            "strokes-raw",
            "inputs-not-normalized input-scales-differ",
            '        clip = (clip - self.stats["stroke_mean"]) / self.stats["stroke_std"]\n',
            "",
        ),
        # Each clip is normalized by its own statistics: level and amplitude, which tell the samples apart, are lost.
        fault(
            "strokes-normalized-per-clip",
            "",
            'clip = (clip - self.stats["stroke_mean"]) / self.stats["stroke_std"]',
            "clip = (clip - clip.mean(axis=0)) / (clip.std(axis=0) + 1e-6)",
        ),
        # The samples come sorted by material: all negatives of a batch are of the same one.
        fault(
            "shuffle-lost", "data-in-order", "batch_size=args.batch_size, shuffle=True", "batch_size=args.batch_size"
        ),
        # A distance where a similarity belongs: partners are pushed apart.
        fault("distances-as-logits", "loss-negated", "scale * touch @ vision.T", "scale * torch.cdist(touch, vision)"),
        # Partners are pulled together and nothing is pushed apart (no negatives): the embeddings collapse.
        fault(
            "positives-only",
            "embeddings-collapse",
            "(F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2",
            "-logits[labels, labels].mean()",
        ),
        # The scale stays near 2.7 instead of 14: cosines between -1 and 1 give no sharp softmax.
        fault("scale-without-exp", "logits-bounded", "self.log_scale.clamp(max=math.log(100)).exp()", "self.log_scale"),
        fault(
            "learning-rate-high",
            "learning-rate-too-high",
            '"--lr", type=float, default=1e-3',
            '"--lr", type=float, default=3e-2',
        ),
        fault(
            "zero-grad-after-backward",
            "gradients-thrown-away",
            "            optimizer.zero_grad()\n",
            "",
            "            accelerator.backward(loss)\n",
            "            accelerator.backward(loss)\n            optimizer.zero_grad()\n",
        ),
        # The decay is part of the gradient and divided by its size.
        fault(
            "adam-for-adamw", "weight-decay-in-adam weight-decay-too-high", "torch.optim.AdamW(", "torch.optim.Adam("
        ),
        # A schedule in epochs that is stepped per batch: the rate is 0 from the twelfth step on.
        fault(
            "schedule-in-epochs",
            "learning-rate-too-low",
            "total_steps = args.epochs * len(train_loader)",
            "total_steps = args.epochs",
        ),
        # Five channels of 112 samples get mixed pieces of time and channel.
        fault(
            "reshape-for-transpose",
            "dimensions-scrambled",
            "self.stem(clip.transpose(1, 2))",
            "self.stem(clip.reshape(len(clip), -1, CLIP_LEN))",
        ),
        # Attention is over the batch, not over time.
        fault("batch-first-missing", "samples-leak", ", batch_first=True", ""),
        # Left from a trial with a pre-trained vision tower.
        fault(
            "vision-detached",
            "parameters-without-gradient gradient-cut",
            "self.vision(patch), dim=-1)",
            "self.vision(patch).detach(), dim=-1)",
        ),
    ),
    needs=("accelerate",),
)

"""Faults of a small vision-language-action model, trained with the Hugging Face Trainer."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "vla_hf_trainer",
    "tune",
    (
        # Training data and preprocessing.
        fault(
            "pixels-stay-0-to-255",
            "inputs-not-normalized",
            "images = torch.from_numpy(np.stack(images)).float() / 255\n"
            "        return ((images - self.pixel_mean) / self.pixel_std).permute(0, 3, 1, 2)",
            "return torch.from_numpy(np.stack(images)).float().permute(0, 3, 1, 2)",
        ),
        # Each action is paired with the frame that it led to.
        fault("frame-after-the-action", "timestamps-misaligned", "frames[:, :-1]", "frames[:, 1:]"),
        # An augmentation of image classification: the action still points where it did.
        fault(
            "image-rotated-but-not-the-action",
            "augmentation-not-of-targets",
            '        return {"image": image, ',
            '        image = np.rot90(image, np.random.randint(4))\n        return {"image": image, ',
        ),
        # The axis is forgotten: metres share their range with radians and the gripper's opening.
        fault("bin-range-over-all-dimensions", "bins-not-covered", "[0.01, 0.99], axis=(0, 1))", "[0.01, 0.99])"),
        # Loss and objective.
        fault(
            "softmax-before-cross-entropy",
            "softmax-applied-twice",
            "F.cross_entropy(logits.transpose(1, 2), labels",
            "F.cross_entropy(logits.softmax(-1).transpose(1, 2), labels",
        ),
        fault(
            "logits-viewed-not-transposed",
            "dimensions-scrambled",
            "logits.transpose(1, 2), labels",
            "logits.view(len(logits), BINS, -1), labels",
        ),
        # Arms without a wrist joint are taught the lowest yaw bin.
        fault(
            "missing-joint-not-masked",
            "",
            "np.where(np.isnan(actions), IGNORE_INDEX, bins)",
            "np.where(np.isnan(actions), 0, bins)",
        ),
        # Optimization and the loop.
        fault("rate-of-sgd-in-adamw", "learning-rate-too-high", "default=2e-3", "default=5e-2"),
        # The rate at which a pretrained model is fine-tuned, for one that starts at random.
        fault("rate-of-finetuning", "learning-rate-too-low", "default=2e-3", "default=2e-5"),
        # The rate is 0 after the warm-up.
        fault(
            "schedule-counted-in-epochs",
            "learning-rate-too-low",
            "num_training_steps=total_steps",
            "num_training_steps=args.epochs",
        ),
        # Kernels have four dimensions, positions and queries three: neither group holds them.
        fault(
            "convolutions-and-positions-not-optimized",
            "parameters-not-in-optimizer",
            "if p.ndim >= 2]",
            "if p.ndim == 2]",
        ),
        # Model.
        # The convention of nn.MultiheadAttention's key_padding_mask, where True is padding: the words are hidden.
        fault(
            "padding-mask-inverted",
            "padding-not-masked inputs-ignored",
            '"attention_mask": input_ids != 0',
            '"attention_mask": input_ids == 0',
        ),
        fault(
            "init-with-std-one",
            "initialization-off-scale loss-at-start-too-high",
            "nn.init.xavier_uniform_(module.weight)",
            "nn.init.normal_(module.weight)",
        ),
        fault(
            "backbone-frozen-without-checkpoint",
            "frozen-at-random",
            "    matrices = [p",
            "    model.vision.requires_grad_(False)\n    model.blocks.requires_grad_(False)\n    matrices = [p",
        ),
    ),
    needs=("transformers", "accelerate"),
)

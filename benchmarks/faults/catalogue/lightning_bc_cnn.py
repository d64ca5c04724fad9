"""Faults of the policy from two cameras, with Lightning."""

from harness import FamilyOfFaults, fault

_RETURN = "        return loss\n"
_VISION = "seen = self.keypoints(self.vision(images.flatten(0, 1)))"

FAMILY = FamilyOfFaults(
    "lightning_bc_cnn",
    "tune",
    (
        # Lightning skips the step with no more than a warning.
        fault(
            "pictures-of-the-frame-before",
            "targets-unrelated",
            "pixels = self.images[index].permute",
            "pixels = self.images[index - 1].permute",
        ),
        fault(
            "training-step-returns-nothing",
            "loss-detached parameters-without-gradient parameters-not-moving",
            _RETURN,
            "",
        ),
        # No dropout, and statistics that are never gathered: it shows on new pictures, not in the loss.
        fault(
            "left-in-rollout-mode",
            "eval-mode-in-training",
            "    def training_step(",
            "    def on_train_start(self):\n"
            '        self.eval()\n        print("untrained:", self(torch.rand(1, 2, 3, 20, 20), torch.rand(1, 8)))\n\n'
            "    def training_step(",
        ),
        fault(
            "bytes-divided-twice",
            "inputs-constant inputs-not-normalized",
            "pixels = (pixels - 0.25) / 0.2",
            "pixels = (pixels / 255 - 0.25) / 0.2",
        ),
        # The picture is scrambled, each in the same way: its values look as they should.
        fault(
            "channels-moved-by-reshape",
            "dimensions-scrambled",
            "self.images[index].permute(0, 3, 1, 2)",
            "self.images[index].reshape(2, 3, 20, 20)",
        ),
        fault(
            "one-range-for-all-actions",
            "target-scales-differ targets-not-normalized",
            "action.amin(dim=0), action.amax(dim=0)",
            "action.min(), action.max()",
        ),
        fault(
            "manual-optimization-not-cleared",
            "gradients-not-cleared",
            "        self.vision = nn.Sequential(",
            "        self.automatic_optimization = False\n        self.vision = nn.Sequential(",
            _RETURN,
            "        optimizer = self.optimizers()\n        self.manual_backward(loss)\n"
            '        self.clip_gradients(optimizer, 1.0, "norm")\n        optimizer.step()\n',
            "gradient_clip_val=1.0, ",
            "",
        ),
        fault(
            "gripper-keeps-its-column",
            "loss-broadcasts",
            "torch.tanh(self.gripper(hidden)).squeeze(-1)",
            "torch.tanh(self.gripper(hidden))",
        ),
        fault("decay-at-every-step", "learning-rate-too-low", '"interval": "epoch"', '"interval": "step"'),
        fault("lr-scaled-by-batch", "learning-rate-too-high", "(lr=args.lr,", "(lr=args.lr * args.batch_size,"),
        fault(
            "views-and-batch-swapped",
            "samples-leak",
            "seen.view(batch, views, -1).flatten(1)",
            "seen.view(views, batch, -1).transpose(0, 1).flatten(1)",
        ),
        fault(
            "vision-group-forgotten",
            "parameters-not-in-optimizer",
            "AdamW([vision, others]",
            "AdamW([others]",
        ),
        fault(
            "vision-under-no-grad",
            "parameters-without-gradient",
            _VISION,
            f"with torch.no_grad():\n            {_VISION}",
        ),
        fault(
            "sigmoid-for-minus-one-to-one",
            "targets-beyond-head",
            "return torch.tanh(self.arm(hidden)), torch.tanh(self.gripper(hidden))",
            "return torch.sigmoid(self.arm(hidden)), torch.sigmoid(self.gripper(hidden))",
        ),
        # Half of the pictures call for the motion to the other side.
        fault(
            "flipped-without-the-action",
            "augmentation-not-of-targets",
            "        pixels = (pixels - 0.25) / 0.2\n",
            "        pixels = (pixels - 0.25) / 0.2\n"
            "        if torch.rand(()) < 0.5:\n            pixels = pixels.flip(-1)\n",
        ),
    ),
    needs=("lightning",),
)

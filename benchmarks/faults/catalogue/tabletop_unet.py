"""Faults of a segmentation of objects on a table (U-Net, batch normalization, average of the weights)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "tabletop_unet",
    "report",
    (
        # RGB stays in 0 to 255 and depth in mm.
        fault(
            "normalization-missing",
            "inputs-not-normalized input-scales-differ",
            "        image = (image - self.mean) / self.std\n",
            "",
        ),
        # Augmentation turns the image, but the mask stays as it was.
        fault(
            "flip-image-without-mask",
            "augmentation-not-of-targets targets-unrelated",
            "image, mask = image.flip(-1), mask.flip(-1)",
            "image = image.flip(-1)",
        ),
        # Sessions in the order of recording, each of one kind of object.
        fault("shuffle-lost", "data-in-order", "shuffle=True, drop_last=True", "drop_last=True"),
        # Channels last to channels first by reshape.
        fault(
            "image-reshaped-not-permuted",
            "dimensions-scrambled",
            ".float().permute(2, 0, 1)",
            ".float().reshape(4, SIZE, SIZE)",
        ),
        fault(
            "logits-viewed-not-permuted",
            "dimensions-scrambled",
            "logits.permute(0, 2, 3, 1).reshape(-1, len(CLASSES))",
            "logits.reshape(-1, len(CLASSES))",
        ),
        fault(
            "softmax-in-model",
            "softmax-applied-twice logits-bounded",
            "return self.head(x)",
            "return self.head(x).softmax(dim=1)",
        ),
        # Frequencies instead of their inverse.
        fault("class-weights-not-inverted", "class-weights-reversed", ".float().pow(-0.5)", ".float()"),
        fault("learning-rate-hundredfold", "learning-rate-too-high", "default=8e-3", "default=0.8"),
        fault(
            "zero-grad-after-backward",
            "gradients-thrown-away parameters-not-moving",
            "            optimizer.zero_grad()\n            loss.backward()\n",
            "            loss.backward()\n            optimizer.zero_grad()\n",
        ),
        # A warm-up in steps, counted in epochs.
        fault(
            "scheduler-per-epoch",
            "learning-rate-too-low",
            "            scheduler.step()\n",
            "",
            "            running += loss.item()\n",
            "            running += loss.item()\n        scheduler.step()\n",
        ),
        # A decay for runs of a hundred thousand steps.
        fault("ema-decay-of-long-runs", "average-rate-wrong", "decay=0.97", "decay=0.9995"),
        fault("relu-on-logits", "logits-bounded", "return self.head(x)", "return F.relu(self.head(x))"),
        fault(
            "constant-initialization",
            "units-alike",
            'nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")',
            "nn.init.constant_(module.weight, 0.01)",
        ),
        # A momentum of 0.999 in other libraries.
        fault(
            "batchnorm-momentum",
            "norm-momentum-wrong",
            "nn.BatchNorm2d(c_out)",
            "nn.BatchNorm2d(c_out, momentum=0.001)",
        ),
    ),
    needs=(),
)

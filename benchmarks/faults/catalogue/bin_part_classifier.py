"""Faults of image classification of parts in a bin."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "bin_part_classifier",
    "tune",
    (
        # Data and preprocessing.
        # Random flips of the standard recipe; left-hand brackets become right-hand ones.
        fault(
            "mirrored-handed-parts",
            "augmentation-not-of-targets",
            "            image = torch.rot90(image, random.randrange(4), dims=(1, 2))\n",
            "            image = torch.rot90(image, random.randrange(4), dims=(1, 2))\n"
            "            if random.random() < 0.5:\n"
            "                image = image.flip(2)\n",
        ),
        # The sampler is gone and nothing shuffles in its place: crops come kind after kind.
        fault(
            "loader-in-folder-order",
            "data-in-order",
            "batch_size=args.batch_size, sampler=sampler, drop_last=True",
            "batch_size=args.batch_size, drop_last=True",
        ),
        # The crops are put in random order, the labels are not.
        fault(
            "crops-shuffled-without-labels",
            "targets-unrelated",
            "    pixels = torch.from_numpy(images).float().div(255.0)\n",
            "    rng.shuffle(images)\n    pixels = torch.from_numpy(images).float().div(255.0)\n",
        ),
        fault(
            "held-out-not-normalized",
            "held-out-data-differ",
            "CropDataset(held_images, held_labels, mean, std)",
            "CropDataset(held_images, held_labels, torch.zeros(3), torch.ones(3))",
        ),
        # Loss and objective.
        fault(
            "softmax-before-cross-entropy",
            "softmax-applied-twice logits-bounded",
            "        return self.head(self.dropout(x.mean(dim=(2, 3))))\n",
            "        return self.head(self.dropout(x.mean(dim=(2, 3)))).softmax(dim=1)\n",
        ),
        fault("smoothing-is-confidence", "label-smoothing-too-high", "label_smoothing=0.1", "label_smoothing=0.9"),
        fault(
            "sampler-weights-of-counts",
            "class-weights-reversed",
            "WeightedRandomSampler(1.0 / frequency[labels]",
            "WeightedRandomSampler(frequency[labels] / len(labels)",
        ),
        # Optimization and loop.
        fault("no-zero-grad", "gradients-not-cleared", "                optimizer.zero_grad()\n", ""),
        fault("no-train-mode", "eval-mode-in-training", "        model.train()\n", ""),
        fault(
            "schedule-by-epoch",
            "learning-rate-too-low",
            "                scheduler.step()\n",
            "",
            "        error = balanced_error(model, held_loader)\n",
            "        scheduler.step()\n        error = balanced_error(model, held_loader)\n",
        ),
        # The linear scaling rule, without the batch size that the rate was made for.
        fault(
            "rate-times-batch-size",
            "learning-rate-too-high",
            "max_lr=args.lr,",
            "max_lr=args.lr * args.batch_size * args.accumulate,",
        ),
        # Model.
        fault(
            "norm-momentum-of-0001",
            "norm-momentum-wrong",
            "        self.norm1 = nn.BatchNorm2d(outputs)\n",
            "        self.norm1 = nn.BatchNorm2d(outputs, momentum=0.001)\n",
            "        self.norm2 = nn.BatchNorm2d(outputs)\n",
            "        self.norm2 = nn.BatchNorm2d(outputs, momentum=0.001)\n",
        ),
        fault(
            "no-relu-in-blocks",
            "activation-missing",
            "        y = F.relu(self.norm1(self.conv1(x)))\n",
            "        y = self.norm1(self.conv1(x))\n",
            "        return F.relu(y + self.shortcut(x))\n",
            "        return y + self.shortcut(x)\n",
        ),
        fault(
            "stages-in-plain-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList(ResidualBlock(a, b, stride=2) for a, b in zip(widths, widths[1:]))",
            "[ResidualBlock(a, b, stride=2) for a, b in zip(widths, widths[1:])]",
        ),
    ),
    needs=(),
)

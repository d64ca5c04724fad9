"""Faults of the network that grades peaches and measures them."""

from harness import FamilyOfFaults, fault

_GEOMETRY_LOSS = "geometry_loss = F.smooth_l1_loss(geometry, targets)"

FAMILY = FamilyOfFaults(
    "fruit_ripeness_cnn",
    "report",
    (
        # data and preprocessing
        fault(
            "flip-leaves-position",
            "augmentation-not-of-targets",
            "                image = image[:, ::-1]\n                geometry[1] = -geometry[1]\n",
            "                image = image[:, ::-1]\n",
        ),
        fault(
            "normalized-with-augmentation-only",
            "held-out-data-differ",
            """            image = image.clip(0, 255)
        image = (image / 255.0 - self.stats["pixel_mean"]) / self.stats["pixel_std"]
""",
            """            image = image.clip(0, 255)
            image = (image / 255.0 - self.stats["pixel_mean"]) / self.stats["pixel_std"]
        else:
            image = image / 255.0
""",
        ),
        fault(
            "augmented-in-place",
            "reading-changes-data",
            "        self.images = images\n",
            "        self.images = images.astype(np.float32)\n",
            "image = self.images[index].astype(np.float32)",
            "image = self.images[index]",
            """            image = image * np.float32(self.rng.uniform(0.9, 1.1))
            image = image + 3 * self.rng.standard_normal(image.shape, dtype=np.float32)
            image = image.clip(0, 255)
        image = (image / 255.0 - self.stats["pixel_mean"]) / self.stats["pixel_std"]
""",
            """            image *= np.float32(self.rng.uniform(0.9, 1.1))
            image += 3 * self.rng.standard_normal(image.shape, dtype=np.float32)
            np.clip(image, 0, 255, out=image)
        image /= 255.0
        image -= self.stats["pixel_mean"]
        image /= self.stats["pixel_std"]
""",
        ),
        # labels and targets
        fault(
            "shuffled-without-geometry",
            "targets-unrelated",
            "    stats = {\n",
            "    order = rng.permutation(len(train_images))\n"
            "    train_images, train_grades = train_images[order], train_grades[order]\n"
            "    stats = {\n",
        ),
        # loss
        fault(
            "geometry-loss-as-number",
            "loss-term-idle parameters-without-gradient",
            "args.geometry_weight * geometry_loss\n",
            "args.geometry_weight * geometry_loss.item()\n",
        ),
        fault(
            "diameter-broadcasts",
            "loss-broadcasts",
            _GEOMETRY_LOSS,
            "diameter_loss = F.smooth_l1_loss(geometry[:, :1], targets[:, 0])\n"
            "            position_loss = F.smooth_l1_loss(geometry[:, 1:], targets[:, 1:])\n"
            "            geometry_loss = (diameter_loss + 2 * position_loss) / 3",
        ),
        # optimizer, schedule and gradients
        fault(
            "decay-per-epoch-stepped-per-batch",
            "learning-rate-too-low",
            """OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.epochs * len(train_loader), pct_start=0.2
    )
""",
            "StepLR(optimizer, step_size=3, gamma=0.1)\n",
        ),
        fault(
            "cleared-once-an-epoch",
            "gradients-not-cleared",
            "        running = 0.0\n",
            "        running = 0.0\n        optimizer.zero_grad()\n",
            "            optimizer.zero_grad()\n            loss.backward()\n",
            "            loss.backward()\n",
        ),
        # architecture
        fault(
            "geometry-through-sigmoid",
            "targets-beyond-head",
            "return self.grade_head(x), self.geometry_head(x)",
            "return self.grade_head(x), torch.sigmoid(self.geometry_head(x))",
        ),
        # A good diagnosis: the average over all places leaves no position for the head that is to give one.
        fault(
            "position-pooled-away",
            "",
            "nn.Flatten(), nn.Linear(4 * width * 4 * 4, hidden)",
            "nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, hidden)",
        ),
        # mode and state
        fault(
            "norm-momentum-of-keras",
            "norm-momentum-wrong",
            "nn.BatchNorm2d(c_out)",
            "nn.BatchNorm2d(c_out, eps=1e-3, momentum=1 - 0.9997)",
        ),
        # batching
        fault(
            "sorted-and-not-shuffled",
            "data-in-order",
            "    stats = {\n",
            '    folders = np.argsort(train_grades, kind="stable")\n'
            "    train_images, train_grades, train_geometry = (\n"
            "        part[folders] for part in (train_images, train_grades, train_geometry)\n"
            "    )\n"
            "    stats = {\n",
            "shuffle=True, drop_last=True",
            "drop_last=True",
        ),
        # evaluation against training
        fault(
            "worst-checkpoint-kept",
            "worst-weights-kept",
            'best_score, best_state = float("inf"), None',
            "best_score, best_state = 0.0, None",
            "if score < best_score:",
            "if score > best_score:",
        ),
        # A good diagnosis: no name of the checkpoint is one of the model's, strict=False hides it, and what is
        # evaluated is a new model with random weights.
        fault(
            "checkpoint-names-do-not-match",
            "",
            "best_state = copy.deepcopy(model.state_dict())",
            'best_state = {f"model.{name}": value.clone() for name, value in model.state_dict().items()}',
            "    model.load_state_dict(best_state)\n",
            "    model = PeachNet()\n    model.load_state_dict(best_state, strict=False)\n",
        ),
    ),
)

"""Faults of the triplet network that embeds strokes over textures."""

from harness import FamilyOfFaults, fault

_MINING = "    hardest_negative = distances.masked_fill(same, math.inf).amin(1)\n"
_OPTIMIZER = "    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)\n"
_SCHEDULER = "    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)\n"
_STATISTICS = "    mean, std = train_strokes.mean((0, 1)), train_strokes.std((0, 1))\n"
_STEP = "            optimizer.step()\n"
_LOGGED = "            running += loss.item()\n"
_EPOCH_END = _LOGGED + "        scheduler.step()\n"
_RESULT = '    print(f"result: {retrieval_error(model, test_loader):.4f}")\n'

FAMILY = FamilyOfFaults(
    "haptics_triplet_vae",
    "tune",
    (
        # A good diagnosis: the negative that is mined is the easiest of the batch, so the hinge is soon zero for all
        # anchors and there is nothing left to learn from.
        fault(
            "easiest-negative-mined",
            "pairs-misjudged",
            _MINING,
            "    hardest_negative = distances.masked_fill(same, 0.0).amax(1)\n",
        ),
        # The nearest of all is the anchor itself, at distance 0.
        fault(
            "negatives-not-masked",
            "pairs-misjudged embeddings-collapse views-alike",
            _MINING,
            "    hardest_negative = distances.amin(1)\n",
        ),
        fault(
            "labels-not-filtered",
            "targets-unrelated",
            _STATISTICS,
            "    contact = train_strokes[..., 3].mean(1) > 0.9  # N, light strokes tell little\n"
            "    train_strokes = train_strokes[contact]\n"
            "    train_labels = train_labels[: len(train_strokes)]\n" + _STATISTICS,
        ),
        # A good diagnosis: the augmentation is far too strong; the gains are drawn around 0 rather than 1, each channel's by
        # itself, so signs, strengths and the ratio of the forces are lost, which are what tells textures apart.
        fault(
            "gain-of-each-channel",
            "",
            "            stroke = stroke + 0.05 * torch.randn_like(stroke)\n",
            "            gain = torch.randn(len(stroke), 1)\n"
            "            stroke = stroke * gain + 0.05 * torch.randn_like(stroke)\n",
        ),
        # A good diagnosis: measurements in m/s^2 and N are cut to whole numbers, so most of the signal is gone before
        # it is standardized.
        fault(
            "stored-as-integers",
            "",
            "        return torch.from_numpy(strokes).float(), torch.from_numpy(labels)\n",
            "        strokes = strokes.astype(np.int16)  # a quarter of the memory\n"
            "        return torch.from_numpy(strokes).float(), torch.from_numpy(labels)\n",
        ),
        fault(
            "time-mask-in-place",
            "reading-changes-data",
            "            stroke = stroke + 0.05 * torch.randn_like(stroke)\n",
            "            hole = int(torch.randint(0, CROP - 32, ()))\n            stroke[:, hole : hole + 32] = 0.0\n",
        ),
        fault(
            "blocks-in-a-list",
            "parameters-not-in-optimizer",
            "        self.features = nn.Sequential(\n",
            "        self.features = [\n",
            "            self.block(2 * width, 2 * width, 5),\n        )\n",
            "            self.block(2 * width, 2 * width, 5),\n        ]\n",
            "        h = self.features(x)\n",
            "        h = x\n        for block in self.features:\n            h = block(h)\n",
        ),
        fault(
            "decay-with-every-batch",
            "learning-rate-too-low",
            _SCHEDULER,
            "    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)\n",
            _EPOCH_END,
            "            scheduler.step()\n" + _LOGGED,
        ),
        fault(
            "root-of-zero",
            "nan-or-inf",
            "    distances = torch.cdist(embeddings, embeddings)\n    same",
            "    distances = (embeddings[:, None] - embeddings[None, :]).pow(2).sum(-1).sqrt()\n    same",
        ),
        fault(
            "positives-detached",
            "loss-term-idle gradient-cut pairs-misjudged",
            "    hardest_positive = distances.masked_fill(~same, 0.0).amax(1)\n",
            "    with torch.no_grad():\n        hardest_positive = distances.masked_fill(~same, 0.0).amax(1)\n",
        ),
        fault(
            "norm-momentum-of-keras",
            "norm-momentum-wrong",
            "nn.BatchNorm1d(outputs)",
            "nn.BatchNorm1d(outputs, momentum=0.001)",
        ),
        fault(
            "average-too-slow",
            "average-rate-wrong",
            _OPTIMIZER,
            _OPTIMIZER + "    average = torch.optim.swa_utils.AveragedModel(\n"
            "        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9999), use_buffers=True\n    )\n",
            _STEP,
            _STEP + "            average.update_parameters(model)\n",
            _RESULT,
            '    print(f"result: {retrieval_error(average, test_loader):.4f}")\n',
        ),
        fault(
            "first-strokes-only",
            "data-left-out",
            "                chosen = torch.randperm(len(members), generator=self.generator)[: self.n_strokes]\n",
            "                chosen = torch.randperm(self.n_strokes, generator=self.generator)\n",
        ),
        fault(
            "held-out-not-scaled",
            "held-out-data-differ",
            "Strokes(test_strokes, test_labels, mean, std, augment=False)",
            "Strokes(test_strokes, test_labels, 0.0, 1.0, augment=False)",
        ),
    ),
    needs=(),
)

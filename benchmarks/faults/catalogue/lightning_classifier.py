"""Faults of the vision transformer that sorts defects, with Lightning."""

from harness import FamilyOfFaults, fault

_LOGITS = "logits = self.head(self.encoder(images))"
_RETURN = 'return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}'
_PIXELS = "self.pixels = pictures.float().div(255).unsqueeze(1)"

FAMILY = FamilyOfFaults(
    "lightning_classifier",
    "tune",
    (
        fault("softmax-in-the-model", "softmax-applied-twice", _LOGITS, f"{_LOGITS}.softmax(dim=-1)"),
        fault("files-in-order", "data-in-order bins-not-covered targets-constant", "sampler=sampler", "shuffle=False"),
        # The rare classes are hardly ever drawn: the loss looks well.
        fault(
            "sampler-prefers-the-common",
            "class-weights-reversed bins-not-covered",
            "rarity = 1.0 / torch.tensor",
            "rarity = torch.tensor",
        ),
        # The warm-up then counts epochs: the rate that was asked for is never reached.
        fault("warm-up-counts-epochs", "learning-rate-too-low", _RETURN, "return [optimizer], [schedule]"),
        fault(
            "lr-and-decay-swapped",
            "learning-rate-too-high",
            '"weight_decay": self.cfg.weight_decay}',
            '"weight_decay": self.cfg.lr}',
            "AdamW(groups, lr=self.cfg.lr,",
            "AdamW(groups, lr=self.cfg.weight_decay,",
        ),
        fault(
            "groups-by-module",
            "parameters-not-in-optimizer",
            "decayed = [p for p in self.parameters() if p.ndim in (2, 4)]",
            "decayed = [m.weight for m in self.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]",
            "others = [p for p in self.parameters() if p.ndim not in (2, 4)]",
            "others = [p for name, p in self.named_parameters() if name.endswith('bias')]",
        ),
        fault(
            "weights-in-bfloat16",
            "parameters-not-moving",
            'precision: str = "32-true"',
            'precision: str = "bf16-true"',
            "    lr: float = 1e-3",
            "    lr: float = 1e-4",
        ),
        fault(
            "encoder-frozen-by-default",
            "frozen-at-random parameters-without-gradient",
            "freeze_encoder: bool = False",
            "freeze_encoder: bool = True",
        ),
        fault(
            "encoder-made-anew-at-start",
            "parameters-not-in-optimizer",
            "    def on_train_epoch_end(",
            "    def on_train_start(self):\n"
            "        self.encoder = Encoder(self.cfg)  # each fold begins anew\n\n"
            "    def on_train_epoch_end(",
        ),
        # What is stored is normalized again with every visit: the first is right, the harm comes with the epochs.
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "(self.pixels[index] - self.mean) / self.std",
            "self.pixels[index].sub_(self.mean).div_(self.std)",
        ),
        fault(
            "cosine-without-scale",
            "logits-bounded",
            _LOGITS,
            "features = nn.functional.normalize(self.encoder(images))\n"
            "        logits = nn.functional.linear(features, nn.functional.normalize(self.head.weight))",
        ),
        fault(
            "head-init-wide",
            "initialization-off-scale loss-at-start-too-high",
            "nn.init.trunc_normal_(self.head.weight, std=0.02)",
            "nn.init.normal_(self.head.weight, std=5.0)",
        ),
        fault("batch-first-forgotten", "samples-leak inputs-ignored", "batch_first=True, norm_first", "norm_first"),
        fault(
            "constants-for-unit-range",
            "inputs-not-normalized",
            _PIXELS,
            "self.pixels = pictures.float().unsqueeze(1)",
            "self.mean, self.std = self.pixels.mean().item(), self.pixels.std().item()",
            "self.mean, self.std = 0.449, 0.226",
        ),
    ),
    needs=("lightning",),
)

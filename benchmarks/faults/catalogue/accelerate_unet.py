"""Faults of the U-Net that is trained with accelerate."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "accelerate_unet",
    "tune",
    (
        fault(
            "softmax-in-forward", "softmax-applied-twice", "return self.head(x)", "return self.head(x).softmax(dim=1)"
        ),
        # The score of dice is made small, where one minus the score should be.
        fault("dice-not-subtracted", "loss-negated", "dice = 1 - dice_score(", "dice = dice_score("),
        fault("softmax-over-batch", "samples-leak", "logits.softmax(dim=1)", "logits.softmax(dim=0)"),
        # What makes tensors of pictures divides by 255; of a mask's classes zero is left.
        fault(
            "mask-divided-by-255",
            "targets-constant bins-not-covered",
            "mask = self.masks[index].long()",
            "mask = (self.masks[index].float() / 255).long()",
        ),
        # Means for bytes, pictures between zero and one: what comes out is close to minus two everywhere.
        fault(
            "means-of-other-convention",
            "inputs-not-normalized inputs-constant",
            "torch.tensor([0.45, 0.42, 0.40]), torch.tensor([0.22, 0.20, 0.21])",
            "torch.tensor([123.7, 116.3, 103.5]), torch.tensor([58.4, 57.1, 57.4])",
        ),
        # Rows and columns, width and height: one library's order for the pictures, another one's for the masks.
        fault("mask-transposed", "targets-unrelated", "self.masks[index].long()", "self.masks[index].long().T"),
        fault(
            "mask-of-the-picture-before",
            "targets-unrelated",
            "self.masks[index].long()",
            "self.masks[index - 1].long()",
        ),
        # Read at half the size, and taken back as a picture is: means of class numbers.
        fault(
            "mask-resized-bilinearly",
            "masks-interpolated",
            "mask = self.masks[index].long()",
            "small = self.masks[index][None, None, ::2, ::2].float()\n"
            '        mask = F.interpolate(small, scale_factor=2.0, mode="bilinear")[0, 0].long()',
        ),
        fault(
            "background-ignored",
            "labels-ignored-wrongly",
            "F.cross_entropy(logits, masks)",
            "F.cross_entropy(logits, masks, ignore_index=0)",
        ),
        fault(
            "shapes-all-one-class",
            "bins-not-covered",
            "self.masks[index].long()",
            "(self.masks[index] > 0).long()",
        ),
        # A batch that comes again and again can be learned by heart, whichever way its masks lie.
        fault("picture-flipped-without-mask", "augmentation-not-of-targets", "            mask = mask.flip(-1)\n", ""),
        # Set before the first evaluation, and that one ends in the other mode.
        fault(
            "train-mode-set-too-early",
            "eval-mode-in-training",
            "        model.train()\n",
            "",
            '    accelerator.print(f"before',
            '    model.train()\n    accelerator.print(f"before',
        ),
        fault(
            "groups-without-decoder",
            "parameters-not-in-optimizer",
            "AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)",
            "AdamW([\n"
            '        {"params": [*model.down1.parameters(), *model.down2.parameters()], "lr": args.lr / 3},\n'
            '        {"params": [*model.middle.parameters(), *model.head.parameters()], "lr": args.lr},\n'
            "    ], weight_decay=1e-4)",
        ),
        # Rows of a view hold numbers of neighbouring pixels of one channel, not the channels of a pixel.
        fault(
            "flattened-without-permute",
            "dimensions-scrambled",
            "cross_entropy = F.cross_entropy(logits, masks)",
            "cross_entropy = F.cross_entropy(logits.reshape(-1, logits.shape[1]), masks.flatten())",
        ),
        # The logarithm of the score of a class that is not in the picture.
        fault(
            "log-of-dice",
            "nan-or-inf",
            "dice = 1 - dice_score(logits, masks).mean()",
            "dice = -dice_score(logits, masks, smooth=0.0).log().mean()",
        ),
        fault(
            "cleared-before-step",
            "gradients-thrown-away parameters-not-moving parameters-without-gradient",
            "            optimizer.zero_grad()\n",
            "",
            "            optimizer.step()\n",
            "            optimizer.zero_grad()\n            optimizer.step()\n",
        ),
        fault(
            "last-block-is-head",
            "logits-bounded",
            "self.head = nn.Conv2d(width, classes, 1)",
            "self.head = DoubleConv(width, classes)",
        ),
        fault(
            "lr-x300",
            "learning-rate-too-high",
            '"--lr", type=float, default=3e-3',
            '"--lr", type=float, default=1.0',
        ),
        fault(
            "half-without-scaler",
            "fp16-gradients-not-unscaled nan-or-inf fp16-overflow",
            "skip1 = self.down1(x)",
            "skip1 = self.down1(x.half())",
            "return self.head(x)",
            "return self.head(x).float()",
            "model = UNet(len(CLASSES))",
            "model = UNet(len(CLASSES)).half()",
        ),
    ),
    needs=("accelerate",),
)

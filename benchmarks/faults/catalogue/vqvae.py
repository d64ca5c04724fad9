"""Faults of the VQ-VAE."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=1e-3'
_STRAIGHT = "straight = vectors + (quantized - vectors).detach()"
_CODEBOOK = "        codebook_loss = F.mse_loss(quantized, vectors.detach())\n"
_OPTIMIZER = "    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.99))\n"
_NORMALIZE = "    signals = (signals - mean) / std\n"

FAMILY = FamilyOfFaults(
    "vqvae",
    "tune",
    (
        # The encoder learns to be near its codes, and nothing of what they are for.
        fault(
            "no-straight-through",
            "gradient-cut gradient-mismatch parameters-without-gradient",
            _STRAIGHT,
            "straight = quantized",
        ),
        # The decoder is given what was never quantized, and the codebook the encoder's gradient.
        fault(
            "straight-through-reversed",
            "gradient-cut gradient-mismatch",
            _STRAIGHT,
            "straight = quantized + (vectors - quantized).detach()",
        ),
        fault(
            "codebook-loss-after-straight-through",
            "parameters-without-gradient",
            _CODEBOOK,
            "        quantized = vectors + (quantized - vectors).detach()\n" + _CODEBOOK,
        ),
        # Codes are chosen and the loss is what it should be: no more than that nothing is learnt could be seen.
        fault("farthest-code", "", "distance.argmin(dim=1)", "distance.argmax(dim=1)"),
        # Time and width change places on the way to the decoder.
        fault(
            "viewed-instead-of-permuted",
            "dimensions-scrambled",
            "return straight.permute(0, 2, 1),",
            "return straight.reshape(z.shape),",
        ),
        fault(
            "codes-in-another-order",
            "samples-leak",
            "flat = vectors.reshape(-1, vectors.shape[-1])",
            "flat = z.permute(2, 0, 1).reshape(-1, z.shape[1])",
        ),
        fault(
            "codebook-not-in-optimizer",
            "parameters-not-in-optimizer",
            "AdamW(model.parameters()",
            "AdamW([*model.encoder.parameters(), *model.decoder.parameters()]",
        ),
        fault("gaps-not-filled", "data-outliers", "fill_gaps(log_machine(1536))", "log_machine(1536)"),
        fault(
            "one-scale-for-all-sensors",
            "target-scales-differ input-scales-differ",
            "mean, std = signals.mean(dim=(0, 2), keepdim=True), signals.std(dim=(0, 2), keepdim=True)",
            "mean, std = signals.mean(), signals.std()",
        ),
        fault(
            "compared-with-raw-signals",
            "targets-not-normalized target-scales-differ",
            _NORMALIZE,
            "",
            "model(x)\n",
            "model((x - mean) / std)\n",
        ),
        fault(
            "cleared-before-the-step",
            "gradients-thrown-away parameters-not-moving",
            "            optimizer.zero_grad()\n            loss.backward()\n",
            "            loss.backward()\n            optimizer.zero_grad()\n",
        ),
        fault("lr-x100", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.1'),
        fault(
            "codebook-init-inverse-forgotten",
            "loss-at-start-too-high",
            "nn.init.normal_(self.codebook.weight, std=1.0)",
            "nn.init.uniform_(self.codebook.weight, -codes, codes)",
        ),
        fault(
            "plateau-of-what-should-rise",
            "learning-rate-too-low",
            _OPTIMIZER,
            _OPTIMIZER
            + '    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.3, patience=1)\n',
            "            optimizer.step()\n",
            "            optimizer.step()\n            plateau.step(loss.item())\n",
        ),
    ),
)

"""Faults of the diffusion model of pictures."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=2e-3'
_STEPS = "            t = torch.randint(0, TIMESTEPS, (len(images),))\n"
_ATTEND = ".reshape(b, 3, c, h * w).transpose(2, 3).unbind(1)"

FAMILY = FamilyOfFaults(
    "ddpm_images",
    "tune",
    (
        fault(
            "bytes",
            "noise-scale-mismatch inputs-not-normalized",
            "return picture.float() / 127.5 - 1",
            "return picture.float()",
        ),
        # Easy to predict, for most of it is its mean; what is sampled from normal noise has never been seen.
        fault(
            "uniform-noise",
            "noise-scale-mismatch",
            "noise = torch.randn_like(images)",
            "noise = torch.rand_like(images)",
        ),
        # What is to be predicted is not what was added.
        fault(
            "noise-drawn-twice",
            "noise-unseen",
            "(1 - bar).sqrt() * noise",
            "(1 - bar).sqrt() * torch.randn_like(images)",
        ),
        # The noise of one step alone: nothing is ever far from clean.
        fault(
            "product-forgotten", "noise-scale-mismatch", "return torch.cumprod(1 - betas, dim=0)", "return 1 - betas"
        ),
        fault(
            "average-written-into-the-model",
            "parameters-changed-elsewhere parameters-not-moving",
            "p_average.lerp_(p, 1 - decay)",
            "p.lerp_(p_average, decay)",
        ),
        fault(
            "time-computed-not-added",
            "parameters-without-gradient",
            "h = self.first(x) + self.time(temb)[:, :, None, None]",
            "h = self.first(x)",
        ),
        # The loss falls all the same: the model learns to do with little attention, and heeds its neighbours.
        fault("parts-before-batch", "samples-leak", _ATTEND, ".reshape(3, b, c, h * w).transpose(2, 3).unbind(0)"),
        fault("tanh-on-noise", "targets-beyond-head", "return self.out(h)", "return torch.tanh(self.out(h))"),
        # The scale of the normalization is zero too, so that neither it nor the convolution can leave zero.
        fault(
            "whole-branch-zeroed",
            "parameters-without-gradient vanishing-gradients",
            "nn.Sequential(nn.GroupNorm(4, outputs), nn.SiLU(), zeroed(nn.Conv2d(outputs, outputs, 3, padding=1)))",
            "zeroed(nn.Sequential(nn.GroupNorm(4, outputs), nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding=1)))",
        ),
        # Easy to learn: the same picture over and over.
        fault(
            "each-picture-from-the-same-seed",
            "inputs-repeated inputs-constant",
            "manual_seed(self.seed * 100003 + index)",
            "manual_seed(self.seed)",
        ),
        # Each batch gets the noise of the batch before it, which the model learns by heart.
        fault(
            "seeded-in-the-loop",
            "draws-repeated targets-constant",
            _STEPS,
            "            torch.manual_seed(args.seed)\n" + _STEPS,
        ),
        fault("lr-x50", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.1'),
        fault(
            "average-cleared-instead",
            "gradients-not-cleared",
            "            optimizer.zero_grad()\n",
            "            average.zero_grad()\n",
        ),
        fault(
            "warm-up-of-a-longer-run",
            "learning-rate-too-low",
            "    for epoch in range(args.epochs):\n",
            "    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10000))\n"
            "    for epoch in range(args.epochs):\n",
            "            optimizer.step()\n",
            "            optimizer.step()\n            warmup.step()\n",
        ),
    ),
)

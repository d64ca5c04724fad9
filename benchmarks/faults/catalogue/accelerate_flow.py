"""Faults of the flow-matching policy that is trained with accelerate."""

from harness import FamilyOfFaults, fault

_NOISE = "noise = torch.randn_like(action)"
_LR = '"--lr", type=float, default=1e-3'

FAMILY = FamilyOfFaults(
    "accelerate_flow",
    "tune",
    (
        fault("zero-grad-missing", "gradients-not-cleared", "                optimizer.zero_grad()\n", ""),
        # The averaged copy has no gradients. It does harm where a batch is bad, in longer runs.
        fault(
            "clips-the-averaged-copy",
            "clipping-without-effect",
            "accelerator.clip_grad_norm_(policy.parameters(), 1.0)",
            "accelerator.clip_grad_norm_(ema.parameters(), 1.0)",
        ),
        fault("lr-x200", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.2'),
        # Training starts from a copy of the averaged weights; the optimizer has those of before.
        fault(
            "warm-start-after-optimizer",
            "parameters-not-in-optimizer loss-detached",
            "    scheduler = ",
            "    policy = copy.deepcopy(ema).requires_grad_(True)\n    scheduler = ",
        ),
        # For evaluation the average is put into the policy, and nobody puts the weights back.
        fault(
            "average-written-into-policy",
            "parameters-changed-elsewhere parameters-not-moving",
            "        average.lerp_(p, 1 - decay)\n",
            "        average.lerp_(p, 1 - decay)\n        p.copy_(average)\n",
        ),
        # Samples start from normal noise all the same: it is what they find there that was never learned.
        fault("noise-uniform", "noise-scale-mismatch", _NOISE, "noise = torch.rand_like(action)"),
        # A few values of the bus are the range of the data, and all others fall on one point of it.
        fault(
            "range-of-min-and-max",
            "data-outliers targets-not-normalized targets-constant noise-scale-mismatch",
            "low, high = flat.quantile(0.01, dim=0), flat.quantile(0.99, dim=0)",
            "low, high = flat.amin(dim=0), flat.amax(dim=0)",
        ),
        # One range for all dimensions: that of the gripper, in millimetres.
        fault(
            "one-range-for-all",
            "target-scales-differ noise-scale-mismatch targets-not-normalized",
            "low, high = flat.quantile(0.01, dim=0), flat.quantile(0.99, dim=0)",
            "low, high = flat[:4096].quantile(0.01), flat[:4096].quantile(0.99)",
        ),
        # Only what is padded is learned: of most chunks, nothing.
        fault(
            "padding-mask-inverted",
            "padding-not-masked vanishing-gradients loss-detached parameters-without-gradient",
            'valid = (~batch["action_is_pad"]).float()',
            'valid = batch["action_is_pad"].float()',
        ),
        # The condition is kept in a tenth of the cases where it should be dropped in a tenth.
        fault(
            "condition-dropped-mostly",
            "inputs-ignored",
            "dropped = torch.rand(len(obs), 1) < drop",
            "dropped = torch.rand(len(obs), 1) > drop",
        ),
        # Zero times zero: neither the gate nor the layer before it ever gets a gradient.
        fault(
            "zero-gate-after-zero-layer",
            "vanishing-gradients parameters-without-gradient inputs-ignored",
            "        nn.init.zeros_(self.action_out.bias)\n",
            "        nn.init.zeros_(self.action_out.bias)\n        self.gate = nn.Parameter(torch.zeros(action_dim))\n",
            "return self.action_out(self.blocks(tokens))",
            "return self.gate * self.action_out(self.blocks(tokens))",
        ),
        # The observation is from the end of the chunk, which no robot has. Four samples do not say what time they are from.
        fault(
            "observation-of-later",
            "",
            '"obs": self.obs[episode, t]',
            '"obs": self.obs[episode, min(t + HORIZON, EPISODE - 1)]',
        ),
        # Attention goes over the batch, and no action of a chunk knows of the others.
        fault(
            "batch-first-forgotten",
            "samples-leak",
            '0.0, "gelu", batch_first=True, norm_first',
            '0.0, "gelu", norm_first',
        ),
        # The way that is left, not the velocity: learned as well as the other, and of no use to the sampler.
        fault(
            "target-is-what-is-left",
            "velocity-reversed",
            "(velocity - (action - noise))",
            "(velocity - (action - x_t))",
        ),
    ),
    needs=("accelerate",),
)

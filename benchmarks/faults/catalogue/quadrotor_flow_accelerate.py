"""Faults of the flow-matching planner for a quadrotor, trained with accelerate."""

from harness import FamilyOfFaults, fault

_TARGET = "    target = traj - noise\n"
_LOSS = "    return F.mse_loss(model(x_t, t, cond), target)\n"
_OPTIMIZER = "torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)"
_ACCUMULATE = "            with accelerator.accumulate(model):\n"
_FLY = "    cond, traj = to_body(fly(args.flights))\n"
_NORMALIZERS = "    cond_norm, traj_norm = Normalizer(cond, 0), Normalizer(traj, (0, 1))\n"

FAMILY = FamilyOfFaults(
    "quadrotor_flow_accelerate",
    "tune",
    (
        # A good diagnosis: trajectories are in the world frame and conditions in that of the body; the yaw between the
        # two is in neither, so the target does not follow from the inputs.
        fault(
            "path-in-world-frame",
            "",
            "    xy = rotate(offset[..., :2], -yaw[:, None])\n",
            "    xy = offset[..., :2]\n",
        ),
        fault(
            "lost-markers-are-zeros",
            "data-outliers",
            _FLY,
            "    logs = fly(args.flights)\n"
            '    logs["path"][torch.rand(args.flights, HORIZON) < 0.03, :3] = 0.0  # mocap lost the markers\n'
            "    cond, traj = to_body(logs)\n",
        ),
        fault("held-out-cond-raw", "held-out-data-differ", "    val_cond = cond_norm(val_cond)\n", ""),
        fault(
            "pairs-broken",
            "targets-unrelated",
            "    cond, traj = cond_norm(cond), traj_norm(traj)\n",
            "    cond, traj = cond_norm(cond), traj_norm(traj)\n"
            "    cond, traj = cond[torch.randperm(len(cond))], traj[torch.randperm(len(traj))]\n",
        ),
        fault("noise-drawn-twice", "noise-unseen", _TARGET, "    target = traj - torch.randn_like(traj)\n"),
        fault(
            "loss-weighted-by-inverse-time",
            "few-samples-dominate flow-time-reaches-ends",
            _LOSS,
            "    weight = 1 / (1 - mix) ** 2\n    return (weight * (model(x_t, t, cond) - target) ** 2).mean()\n",
        ),
        fault(
            "schedule-for-one-epoch",
            "learning-rate-too-low",
            "total_steps = args.epochs * len(loader) // args.accumulate",
            "total_steps = len(loader) // args.accumulate",
        ),
        fault(
            "l2-in-adam",
            "weight-decay-in-adam",
            _OPTIMIZER,
            "torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=1e-2)",
        ),
        # A good diagnosis: the optimizer steps once in 64 batches, ten times in the whole run.
        fault(
            "accumulates-batch-size",
            "updates-too-few",
            "gradient_accumulation_steps=args.accumulate)",
            "gradient_accumulation_steps=args.batch_size)",
        ),
        fault(
            "zero-grad-while-not-syncing",
            "gradients-not-cleared",
            "                optimizer.zero_grad()\n",
            "",
            _ACCUMULATE,
            _ACCUMULATE + "                if not accelerator.sync_gradients:\n"
            "                    optimizer.zero_grad()\n",
        ),
        fault(
            "tanh-outlet",
            "targets-beyond-head",
            "return self.outlet(h).view_as(x)",
            "return torch.tanh(self.outlet(h)).view_as(x)",
        ),
        fault(
            "ema-decay-of-long-runs",
            "average-rate-wrong",
            '"--ema-decay", type=float, default=0.97',
            '"--ema-decay", type=float, default=0.9999',
        ),
        fault(
            "generator-made-anew",
            "draws-repeated",
            "    noise = torch.randn_like(traj)\n    t = torch.rand(len(traj), device=traj.device)\n",
            "    generator = torch.Generator(traj.device).manual_seed(0)\n"
            "    noise = torch.randn(traj.shape, generator=generator, device=traj.device)\n"
            "    t = torch.rand(len(traj), generator=generator, device=traj.device)\n",
        ),
        fault(
            "paths-scaled-by-arena",
            "noise-scale-mismatch",
            _NORMALIZERS,
            _NORMALIZERS
            + "    traj_norm.mean, traj_norm.std = torch.zeros(4), torch.tensor([40.0, 40.0, 8.0, math.pi])\n",
        ),
    ),
    needs=("accelerate",),
)

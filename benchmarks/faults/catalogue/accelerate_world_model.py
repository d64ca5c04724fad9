"""Faults of a latent world model of an arm, trained with accelerate."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "accelerate_world_model",
    "tune",
    (
        # Data and preprocessing.
        # Motor currents of a thousand mA go into the model as they were logged.
        fault(
            "currents-not-normalized",
            "inputs-not-normalized input-scales-differ",
            '    scale_current = Standardizer(train_log["current"])\n',
            "",
            'scale_current(train_log["current"])',
            'torch.as_tensor(train_log["current"], dtype=torch.float32)',
            'scale_current(test_log["current"])',
            'torch.as_tensor(test_log["current"], dtype=torch.float32)',
        ),
        # One mean and one deviation for ticks, rpm and metres together.
        fault(
            "statistics-over-all-channels",
            "input-scales-differ target-scales-differ",
            "flat.mean(dim=0), flat.std(dim=0)",
            "flat.mean(), flat.std()",
        ),
        # Flattened as arrays of (time, episode) are: what follows a frame is another episode.
        fault(
            "episodes-interleaved",
            "",
            "[values.flatten(0, 1) for values in (obs, current, reward, mask)]",
            "[values.transpose(0, 1).flatten(0, 1) for values in (obs, current, reward, mask)]",
        ),
        # The cameras write -999, not NaN.
        fault(
            "lost-markers-kept",
            "data-outliers",
            "seen = obs[..., TIP.start] > MARKER_LOST",
            "seen = ~np.isnan(obs[..., TIP.start])",
        ),
        # Loss.
        # The mask of what was seen is taken for a mask of what is to be left out.
        fault(
            "mask-inverted",
            "padding-not-masked",
            "weight = mask[:, CONTEXT:]",
            "weight = 1 - mask[:, CONTEXT:]",
        ),
        # The frames of the context are forgotten: the first predictions are compared with the past.
        fault(
            "decoding-target-not-shifted",
            "targets-not-shifted timestamps-misaligned",
            "(pred - obs[:, CONTEXT:]) ** 2",
            "(pred - obs[:, :HORIZON]) ** 2",
        ),
        # Rewritten as a Gaussian likelihood, without the minus.
        fault(
            "likelihood-minimized",
            "loss-negated",
            "(weight * (pred - obs[:, CONTEXT:]) ** 2).sum()",
            "(weight * torch.distributions.Normal(pred, 1.0).log_prob(obs[:, CONTEXT:])).sum()",
        ),
        # Optimization and the loop.
        fault(
            "learning-rate-of-sgd",
            "learning-rate-too-high",
            'parser.add_argument("--lr", type=float, default=2e-3)',
            'parser.add_argument("--lr", type=float, default=1e-1)',
        ),
        fault(
            "zero-grad-missing",
            "gradients-not-cleared",
            "            optimizer.zero_grad()\n",
            "",
        ),
        # The decay of an epoch at each batch.
        fault(
            "scheduler-stepped-per-batch",
            "learning-rate-too-low",
            "        scheduler.step()\n",
            "            scheduler.step()\n",
        ),
        # The running average is written into the model instead of the target.
        fault(
            "target-average-wrong-way",
            "parameters-changed-elsewhere",
            "target.lerp_(param, 0.02)",
            "param.lerp_(target, 0.02)",
        ),
        # Model.
        fault(
            "blocks-in-plain-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList([ResidualBlock(latent, action_dim) for _ in range(blocks)])",
            "[ResidualBlock(latent, action_dim) for _ in range(blocks)]",
        ),
        # Steps and samples change places.
        fault(
            "reshape-instead-of-transpose",
            "dimensions-scrambled",
            "latents = torch.stack(latents, dim=1)",
            "latents = torch.stack(latents).reshape(len(z), len(latents), -1)",
        ),
        # No gradient through the rollout, and so none for the encoder.
        fault(
            "rollout-detached",
            "parameters-without-gradient",
            "z = self.step(z, actions[:, t])",
            "z = self.step(z.detach(), actions[:, t])",
        ),
    ),
    needs=("accelerate",),
)

"""Faults of a diffusion policy that Lightning trains."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "lightning_diffusion_policy",
    "tune",
    (
        # Data. The log marks lost frames with 9999, not with NaN: they stay, and set the limits of the normalizer.
        fault(
            "lost-frames-sought-as-nan",
            "data-outliers",
            "complete = (observations != LOST_TRACK).flatten(1)",
            "complete = observations.isfinite().flatten(1)",
        ),
        fault(
            "observations-not-normalized",
            "inputs-not-normalized input-scales-differ",
            'obs, action = self.obs_norm.normalize(batch["obs"]), self.action_norm',
            'obs, action = batch["obs"], self.action_norm',
            "        obs = self.obs_norm.normalize(obs)\n",
            "",
        ),
        # Commands of 130 mm/s against noise of 1.
        fault(
            "commands-not-normalized",
            "noise-scale-mismatch targets-not-normalized inputs-not-normalized",
            'self.action_norm.normalize(batch["action"])',
            'batch["action"]',
            "/ alpha_bar.sqrt()).clamp(-1, 1)",
            "/ alpha_bar.sqrt())",
            "return self.action_norm.denormalize(x)",
            "return x",
        ),
        # One of two arrays is filtered: from the first dropped episode on, commands belong to another episode.
        fault(
            "commands-of-incomplete-episodes-kept",
            "timestamps-misaligned",
            "observations, commands = observations[complete], commands[complete]",
            "observations = observations[complete]",
        ),
        # Loss.
        fault(
            "network-gets-clean-commands", "noise-unseen", "model(noisy, timestep, obs)", "model(action, timestep, obs)"
        ),
        # The sampler takes what is predicted for noise.
        fault(
            "target-is-the-clean-sample",
            "sampler-disagrees",
            "F.mse_loss(model(noisy, timestep, obs), noise)",
            "F.mse_loss(model(noisy, timestep, obs), action)",
        ),
        fault(
            "noise-uniform",
            "noise-scale-mismatch",
            "noise = torch.randn_like(action)",
            "noise = torch.rand_like(action)",
        ),
        # Optimization and loop. The rate that Prodigy and D-Adaptation ask for, left when AdamW came back.
        fault("learning-rate-of-prodigy", "learning-rate-too-high", "default=2e-3", "default=1.0"),
        # Lightning steps a schedule by epochs unless told: the run ends at a tenth of the warm-up.
        fault("schedule-by-epoch", "learning-rate-too-low", ', "interval": "step"}', "}"),
        # A decay for 100,000 steps in a run of 600: what is evaluated has learned nothing.
        fault("ema-too-slow", "average-rate-wrong", "ema_decay=0.99)", "ema_decay=0.9999)"),
        # Left from debugging.
        fault(
            "overfit-batches-left-in",
            "data-left-out",
            "gradient_clip_val=1.0,",
            "gradient_clip_val=1.0, overfit_batches=4,",
        ),
        # Model.
        fault(
            "blocks-in-plain-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList([FiLMBlock(channels, cond_dim + 64) for _ in range(depth)])",
            "[FiLMBlock(channels, cond_dim + 64) for _ in range(depth)]",
        ),
        # Commands are bounded, the noise that is predicted is not.
        fault(
            "tanh-head",
            "targets-beyond-head",
            "return self.head(h).transpose(1, 2)",
            "return torch.tanh(self.head(h)).transpose(1, 2)",
        ),
        fault(
            "reshape-for-transpose",
            "dimensions-scrambled",
            "return self.head(h).transpose(1, 2)",
            "return self.head(h).reshape(noisy.shape)",
        ),
    ),
    needs=("lightning",),
)

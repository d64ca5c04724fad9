"""Faults of a diffusion policy that pours a requested volume (Lightning)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "pour_diffusion_lightning",
    "tune",
    (
        # Training data and preprocessing.
        fault(
            "observations-not-normalized",
            "inputs-not-normalized",
            "return (observation - self.obs_mean) / self.obs_std",
            "return observation",
        ),
        # The policy's output is still scaled back to deg/s and mm/s.
        fault(
            "actions-not-scaled-in-training",
            "noise-scale-mismatch targets-not-normalized inputs-not-normalized",
            "clean = 2 * (actions - self.act_low) / (self.act_high - self.act_low) - 1",
            "clean = actions",
        ),
        # Demonstrations are shuffled for variety, and their actions are forgotten.
        fault(
            "episodes-of-observations-shuffled-alone",
            "targets-unrelated",
            "        context, chunks, masks = [], [], []\n",
            "        self.observations = np.random.permutation(self.observations)\n"
            "        context, chunks, masks = [], [], []\n",
        ),
        fault(
            "overfit-batches-left-on",
            "data-left-out",
            "gradient_clip_val=1.0, **",
            "gradient_clip_val=1.0, overfit_batches=8, **",
        ),
        # Loss and objective.
        # A diagnosis: the noise is uniform in 0 to 1, sampling starts from a standard normal one.
        fault("uniform-noise", "noise-scale-mismatch", "torch.randn_like(clean)", "torch.rand_like(clean)"),
        fault(
            "clean-chunk-into-network",
            "noise-unseen",
            "self.net(noised, k,",
            "self.net(clean, k,",
        ),
        # A diagnosis: the network is trained to predict the clean actions, the sampler takes its output for the noise.
        fault(
            "sample-as-target", "sampler-disagrees", "F.mse_loss(predicted, noise, ", "F.mse_loss(predicted, clean, "
        ),
        # Optimization and the loop.
        # Lightning steps a schedule once per epoch: the warm-up of 40 steps does not end.
        fault("schedule-per-epoch", "learning-rate-too-low", ', "interval": "step"', ""),
        fault("learning-rate-hundredfold", "learning-rate-too-high", "lr=2e-3", "lr=0.2"),
        fault(
            "average-for-long-runs",
            "average-rate-wrong",
            "decay = min(self.ema_decay, (1 + self.global_step) / (10 + self.global_step))",
            "decay = self.ema_decay",
            "ema_decay=0.98",
            "ema_decay=0.9999",
        ),
        fault(
            "seed-in-training-step",
            "draws-repeated",
            "        observation, actions, mask = batch\n",
            "        torch.manual_seed(0)\n        observation, actions, mask = batch\n",
        ),
        # Model.
        # The average of the weights has no part in the running statistics, which stay at 0 and 1.
        fault(
            "batch-norm-beside-averaged-weights",
            "average-rate-wrong",
            "padding=1), nn.GroupNorm(8, channels))\n",
            "padding=1), nn.BatchNorm1d(channels))\n",
        ),
        fault(
            "tanh-on-noise",
            "targets-beyond-head",
            "nn.Conv1d(channels, action_dim, 1))",
            "nn.Conv1d(channels, action_dim, 1), nn.Tanh())",
        ),
        fault(
            "weights-from-standard-normal",
            "initialization-off-scale",
            "        self.ema_net = copy",
            "        for parameter in self.net.parameters():\n"
            "            nn.init.normal_(parameter)\n"
            "        self.ema_net = copy",
        ),
    ),
    needs=("lightning",),
)

"""Faults of the diffusion policy that routes cables."""

from harness import FamilyOfFaults, fault

_LOSS = "return F.mse_loss(pred, noise)"

FAMILY = FamilyOfFaults(
    "cable_diffusion",
    "report",
    (
        fault("occlusions-not-filled", "data-not-finite nan-or-inf", "    obs = hold_last(obs)\n", ""),
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "        return self.normalizer.obs(obs), self.normalizer.action(action)\n",
            """        obs -= self.normalizer.obs_mean
        obs /= self.normalizer.obs_std
        action -= self.normalizer.action_mean
        action /= self.normalizer.action_std
        return obs, action
""",
        ),
        fault(
            "one-scale-for-all-commands",
            "target-scales-differ noise-scale-mismatch",
            "actions.mean((0, 1)), actions.std((0, 1))\n",
            "actions.mean(), actions.std()\n",
        ),
        fault(
            "episodes-shuffled-alone",
            "targets-unrelated",
            "    obs = hold_last(obs)\n",
            "    obs = hold_last(obs)[np.random.permutation(len(obs))]\n",
        ),
        fault(
            "held-out-observations-raw",
            "held-out-data-differ",
            "torch.from_numpy(normalizer.obs(windows))",
            "torch.from_numpy(windows)",
        ),
        # A good diagnosis: the network is trained to give the clean action, the sampler takes what it gives for noise.
        fault("trained-on-clean-actions", "sampler-disagrees", _LOSS, "return F.mse_loss(pred, action)"),
        # A good diagnosis: the sampler's noise schedule (DDPM's for 1000 steps) is not that of training.
        fault(
            "sampler-has-its-own-schedule",
            "sampler-disagrees",
            "        x = torch.randn(len(obs), HORIZON, action_dim)\n",
            """        betas = torch.linspace(1e-4, 0.02, self.steps)
        alpha_bar = torch.cumprod(1 - betas, dim=0)
        x = torch.randn(len(obs), HORIZON, action_dim)
""",
            "a, beta = self.alpha_bar[t], self.betas[t]",
            "a, beta = alpha_bar[t], betas[t]",
            "a_prev = self.alpha_bar[t - 1] if",
            "a_prev = alpha_bar[t - 1] if",
        ),
        # A good diagnosis: the sampler goes through the times from clean to noisy.
        fault(
            "sampler-runs-forward",
            "sampler-disagrees",
            "for t in reversed(range(self.steps)):",
            "for t in range(self.steps):",
        ),
        fault(
            "times-truncated",
            "times-not-spread",
            "t = torch.randint(0, self.steps, (len(action),))",
            "t = torch.rand(len(action)).long() * self.steps",
        ),
        fault(
            "seeded-within-loss",
            "draws-repeated",
            "        t = torch.randint(0, self.steps,",
            "        torch.manual_seed(0)\n        t = torch.randint(0, self.steps,",
        ),
        fault(
            "average-of-a-long-run",
            "average-rate-wrong",
            "decay=0.995",
            "decay=0.9999",
            "        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))\n",
            "        decay = self.decay\n",
        ),
        fault(
            "lr-x100", "learning-rate-too-high", '"--lr", type=float, default=3e-3', '"--lr", type=float, default=0.3'
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault(
            "condition-without-observation",
            "inputs-ignored parameters-without-gradient",
            "cond = F.silu(self.time_mlp(self.embed(t)) + self.obs_encoder(obs.flatten(1)))",
            "cond = self.obs_encoder(obs.flatten(1))\n        cond = F.silu(self.time_mlp(self.embed(t)))",
        ),
    ),
)

"""Faults of a beta-VAE of a gripper's force/torque windows, trained with accelerate to detect anomalies."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "gripper_force_vae",
    "tune",
    (
        # Training data and preprocessing.
        fault(
            "raw-newtons-and-newton-metres",
            "inputs-not-normalized input-scales-differ target-scales-differ targets-not-normalized",
            "window = (self.windows[index] - self.mean) / self.std",
            "window = self.windows[index]",
        ),
        # The normalized window is written back to the data set, and normalized again in each epoch.
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "window = (self.windows[index] - self.mean) / self.std",
            "window = self.windows[index].sub_(self.mean).div_(self.std)",
        ),
        # The log is one production order after another, each of one kind of part.
        fault("log-order-kept", "data-in-order", "shuffle=True", "shuffle=False"),
        # The mask is the wrong way round: the cycles that the operators flagged as faulty are kept for training, and
        # the sound ones thrown away. A good diagnosis: trained on anomalies, inverted filter of the training data.
        fault("filter-inverted", "", "train_windows[~flagged]", "train_windows[flagged]"),
        # Loss.
        # The likelihood is averaged over 448 values, the KL summed over the latents. A good diagnosis: KL and
        # reconstruction are reduced differently, the KL outweighs the reconstruction, posterior collapse.
        fault(
            "likelihood-averaged",
            "prior-outweighs reductions-mixed",
            "log_std).sum(dim=(1, 2)).mean()",
            "log_std).mean()",
        ),
        fault("log-std-left-out", "variance-boundless", "(0.5 * error**2 + log_std).sum", "(0.5 * error**2).sum"),
        fault("kl-sign", "loss-negated", "loss = nll + beta * kl", "loss = nll - beta * kl"),
        # Optimization and loop.
        fault("learning-rate-times-100", "learning-rate-too-high", "default=3e-3", "default=0.3"),
        fault(
            "zero-grad-before-step",
            "gradients-thrown-away",
            "            optimizer.zero_grad()\n            accelerator.backward(loss)\n",
            "            accelerator.backward(loss)\n",
            "            optimizer.step()\n",
            "            optimizer.zero_grad()\n            optimizer.step()\n",
        ),
        fault(
            "encoder-only-in-optimizer",
            "parameters-not-in-optimizer",
            "AdamW(model.parameters(), lr",
            "AdamW(model.encoder.parameters(), lr",
        ),
        # A decay per epoch that is applied at each step: the rate is gone within the first epoch or two.
        fault(
            "epoch-decay-at-each-step",
            "learning-rate-too-low",
            "OneCycleLR(optimizer, args.lr, total_steps=total_steps, pct_start=0.15)",
            "ExponentialLR(optimizer, gamma=0.9)",
        ),
        # Model.
        fault("sample-without-gradient", "gradient-cut", "q.rsample()", "q.sample()"),
        # Copied from a VAE of pictures.
        fault(
            "sigmoid-at-output",
            "targets-beyond-head",
            "self.mean_head(h).view_as(x)",
            "torch.sigmoid(self.mean_head(h)).view_as(x)",
        ),
        # Meant as the probability to keep.
        fault(
            "dropout-of-keep-probability",
            "dropout-too-high",
            "nn.BatchNorm1d(features_out), nn.SiLU())",
            "nn.BatchNorm1d(features_out), nn.SiLU(), nn.Dropout(0.9))",
        ),
    ),
    needs=("accelerate",),
)

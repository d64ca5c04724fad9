"""Faults of a conditional VAE that proposes grasp poses."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "grasp_pose_cvae",
    "tune",
    (
        # Features reach the network in mm, beside a cosine, a sine and a one-hot kind.
        fault(
            "features-in-millimetres",
            "inputs-not-normalized input-scales-differ",
            "model(object_norm(batch_objects), target)",
            "model(batch_objects, target)",
            "model.propose(object_norm(objects), references.shape[1])",
            "model.propose(objects, references.shape[1])",
        ),
        # The attempts are shuffled, the scenes that they belong to are not.
        fault(
            "attempts-shuffled-without-scenes",
            "targets-unrelated",
            "    objects, grasps = describe(scenes), to_vector(attempts)\n",
            "    rng.shuffle(attempts)\n    objects, grasps = describe(scenes), to_vector(attempts)\n",
        ),
        fault(
            "scene-turned-without-its-grasp",
            "augmentation-not-of-targets",
            "batch_objects, batch_grasps = turn_scene(batch_objects, batch_grasps)",
            "batch_objects, _ = turn_scene(batch_objects, batch_grasps)",
        ),
        # A good diagnosis: degrees are passed to cos and sin, which take radians; the heading is lost to the model.
        fault(
            "heading-in-degrees",
            "",
            "heading = np.deg2rad(heading_deg)[:, None]",
            "heading = heading_deg[:, None]",
        ),
        # A good diagnosis: the KL is summed over the batch, not averaged: 128 times too heavy, the posterior collapses.
        fault(
            "kl-summed-over-batch",
            "",
            "Normal(0.0, 1.0)).sum(-1)",
            "Normal(0.0, 1.0)).sum()",
        ),
        fault(
            "kl-subtracted",
            "loss-negated variance-boundless",
            "target) + beta * divergence",
            "target) - beta * divergence",
        ),
        # Attempts that failed are imitated like those that held.
        fault(
            "failed-attempts-not-masked",
            "mask-unused",
            "loss = (bound * batch_held).sum() / batch_held.sum()",
            "loss = bound.mean()",
        ),
        fault("learning-rate-a-hundredfold", "learning-rate-too-high", "default=2e-3", "default=2e-1"),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        # The decay that was made for epochs acts at each batch.
        fault(
            "schedule-stepped-per-batch",
            "learning-rate-too-low",
            "            average.update_parameters(model)\n        scheduler.step()\n",
            "            average.update_parameters(model)\n            scheduler.step()\n",
        ),
        # Copied from a run of a million updates; here there are nine hundred.
        fault("average-too-slow", "average-rate-wrong", "get_ema_multi_avg_fn(0.99)", "get_ema_multi_avg_fn(0.9999)"),
        # sample() draws without a gradient: the reconstruction never reaches the recognition network.
        fault(
            "sample-for-rsample",
            "gradient-cut parameters-without-gradient",
            "posterior.rsample()",
            "posterior.sample()",
        ),
        fault("probability-to-keep-as-dropout", "dropout-too-high", "dropout=0.05", "dropout=0.95"),
        fault(
            "relu-after-last-layer",
            "targets-beyond-head",
            "nn.SiLU(), nn.Linear(hidden, outputs),",
            "nn.SiLU(), nn.Linear(hidden, outputs), nn.ReLU(),",
        ),
    ),
    needs=(),
)

"""Faults of the flow-matching policy."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=1e-3'
_TIME = "t = torch.rand(action.shape[0], 1).clamp(1e-3, 1 - 1e-3)"
_LOSS = "return ((pred - velocity) ** 2).mean()"

FAMILY = FamilyOfFaults(
    "flow_policy",
    "tune",
    (
        fault("time-unclamped", "flow-time-reaches-ends", _TIME, "t = torch.rand(action.shape[0], 1)"),
        fault(
            "time-unclamped-divided",
            "flow-time-reaches-ends",
            _TIME,
            "t = torch.rand(action.shape[0], 1)",
            _LOSS,
            "return (((pred - velocity) / (1 - t)) ** 2).mean()",
        ),
        fault(
            "actions-raw",
            "noise-scale-mismatch target-scales-differ inputs-not-normalized",
            "Normalizer(obs)(obs), Normalizer(action)(action)",
            "Normalizer(obs)(obs), action * 10",
        ),
        fault(
            "observations-raw",
            "inputs-not-normalized input-scales-differ",
            "obs, action = Normalizer(obs)(obs), Normalizer(action)(action)",
            "action = Normalizer(action)(action)",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault("lr-x100", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.1'),
        fault("lr-x1000", "learning-rate-too-high", _LR, '"--lr", type=float, default=1.0'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=1e-7'),
        fault("sign-flipped", "loss-negated", _LOSS, "return -((pred - velocity) ** 2).mean()"),
        fault(
            "encoder-not-trained",
            "parameters-not-in-optimizer",
            "Adam(model.parameters()",
            "Adam(model.net.parameters()",
        ),
        fault(
            "encoder-no-grad",
            "parameters-without-gradient",
            "        features = self.obs_encoder(obs)\n",
            "        with torch.no_grad():\n            features = self.obs_encoder(obs)\n",
        ),
        fault(
            "everything-frozen",
            "everything-frozen loss-detached",
            "    scheduler = ",
            "    for p in model.parameters():\n        p.requires_grad = False\n    scheduler = ",
        ),
        fault(
            "features-standardized-over-batch",
            "samples-leak",
            "        features = self.obs_encoder(obs)\n",
            "        features = self.obs_encoder(obs)\n"
            "        features = (features - features.mean(0)) / (features.std(0) + 1e-5)\n",
        ),
        fault(
            "schedule-too-short",
            "learning-rate-too-low",
            "CosineAnnealingLR(optimizer, 20 * len(loader))",
            "ExponentialLR(optimizer, 0.2)",
        ),
        fault(
            "loss-no-longer-a-tensor",
            "loss-detached",
            "            loss.backward()\n",
            "            loss = torch.tensor(loss.item(), requires_grad=True)\n            loss.backward()\n",
        ),
        fault(
            "clip-after-step",
            "clipping-without-effect",
            "            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)\n            optimizer.step()\n",
            "            optimizer.step()\n            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)\n",
        ),
        fault("velocity-reversed", "velocity-reversed", "velocity = action - noise", "velocity = noise - action"),
    ),
)

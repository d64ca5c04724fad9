"""Faults of the MLP that clones behaviour."""

from harness import FamilyOfFaults, fault

_STEP = """            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
"""
_OPTIMIZER = "optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr)\n"
_LOSS = "loss = F.mse_loss(pred, action_batch)"
_LR = '"--lr", type=float, default=1e-3'

FAMILY = FamilyOfFaults(
    "bc_mlp",
    "tune",
    (
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault(
            "optimizer-lacks-trunk",
            "parameters-not-in-optimizer",
            "AdamW(policy.parameters()",
            "AdamW(policy.head.parameters()",
        ),
        fault(
            "everything-frozen",
            "everything-frozen loss-detached",
            "    policy.train()\n",
            "    policy.train()\n    policy.requires_grad_(False)\n",
        ),
        fault(
            "actions-not-normalized",
            "target-scales-differ",
            "    action = (action - action_mean) / action_std\n",
            "    action = action * torch.tensor([1e-2, 1e-2, 1e-2, 1.0])\n",
        ),
        fault("sign-flipped", "loss-negated", _LOSS, "loss = -F.mse_loss(pred, action_batch)"),
        fault(
            "tanh-head",
            "targets-beyond-head",
            "return self.head(self.trunk(obs))",
            "return torch.tanh(self.head(self.trunk(obs)))",
        ),
        fault("lr-x100", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.1'),
        fault("lr-x1000", "learning-rate-too-high", _LR, '"--lr", type=float, default=1.0'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=1e-7'),
        fault(
            "std-zero",
            "data-not-finite",
            "    obs_mean, obs_std",
            "    obs[:, 2] = 0.0  # this joint is locked\n    obs_mean, obs_std",
            "            if not torch.isfinite(loss):\n                continue\n",
            "",
        ),
        fault("inputs-raw", "inputs-not-normalized input-scales-differ", "    obs = (obs - obs_mean) / obs_std\n", ""),
        fault(
            "prediction-detached",
            "loss-detached everything-frozen",
            "pred = policy(obs_batch)",
            "pred = policy(obs_batch).detach()",
        ),
        fault(
            "loss-made-anew",
            "loss-detached",
            "loss.backward()",
            "loss = torch.tensor(loss.item(), requires_grad=True)\n            loss.backward()",
        ),
        fault(
            "inputs-zeroed",
            "inputs-constant inputs-ignored",
            "pred = policy(obs_batch)",
            "pred = policy(obs_batch * 0)",
        ),
        fault(
            "dead-relu",
            "inputs-ignored parameters-without-gradient",
            "    policy.train()\n",
            "    nn.init.constant_(policy.trunk[2].bias, -100.0)\n    policy.train()\n",
        ),
        fault("weight-decay-huge", "weight-decay-too-high", "lr=args.lr)\n", "lr=args.lr, weight_decay=100.0)\n"),
        fault("maximize", "update-goes-uphill", "lr=args.lr)\n", "lr=args.lr, maximize=True)\n"),
        fault(
            "model-replaced",
            "parameters-not-in-optimizer loss-detached",
            "    policy.train()\n",
            "    policy = Policy(obs.shape[1], action.shape[1], hidden=256)\n    policy.train()\n",
        ),
        fault(
            "two-optimizers",
            "parameters-held-twice",
            _OPTIMIZER,
            _OPTIMIZER + "    head_optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr)\n",
            "            optimizer.step()\n",
            "            optimizer.step()\n            head_optimizer.step()\n",
        ),
        fault(
            "schedule-to-zero",
            "learning-rate-too-low",
            _OPTIMIZER,
            _OPTIMIZER + "    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)\n",
            "            optimizer.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
        fault(
            "lr-zero",
            "learning-rate-too-low",
            _OPTIMIZER,
            _OPTIMIZER + "    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step // 1000)\n",
            "            optimizer.step()\n",
            "            optimizer.step()\n            warmup.step()\n",
        ),
        fault(
            "bfloat16-weights",
            "parameters-not-moving",
            "    policy.train()\n",
            "    policy.to(torch.bfloat16)\n    policy.train()\n",
            "pred = policy(obs_batch)",
            "pred = policy(obs_batch.bfloat16()).float()",
            _LR,
            '"--lr", type=float, default=1e-5',
        ),
        fault(
            "clip-before-backward",
            "clipping-without-effect",
            _STEP,
            """            optimizer.zero_grad()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            loss.backward()
            optimizer.step()
""",
        ),
        fault(
            "init-zero",
            "units-alike parameters-without-gradient vanishing-gradients inputs-ignored",
            "    policy.train()\n",
            "    for p in policy.parameters():\n        nn.init.zeros_(p)\n    policy.train()\n",
        ),
        fault(
            "init-wide",
            "initialization-off-scale exploding-gradients",
            "    policy.train()\n",
            "    for p in policy.parameters():\n        nn.init.normal_(p, std=10.0)\n    policy.train()\n",
            "            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)\n",
            "",
        ),
        fault(
            "init-constant",
            "units-alike",
            "    policy.train()\n",
            "    for p in policy.parameters():\n        nn.init.constant_(p, 0.05)\n    policy.train()\n",
        ),
        fault(
            "activations-forgotten",
            "activation-missing",
            "nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()",
            "nn.Linear(obs_dim, hidden), nn.Linear(hidden, hidden)",
        ),
        fault(
            "zero-grad-before-step",
            "gradients-thrown-away loss-detached",
            _STEP,
            "            loss.backward()\n            optimizer.zero_grad()\n            optimizer.step()\n",
        ),
        fault(
            "micro-batches-cleared",
            "gradients-thrown-away",
            _STEP,
            """            for part_obs, part_action in zip(obs_batch.chunk(2), action_batch.chunk(2)):
                optimizer.zero_grad()
                (F.mse_loss(policy(part_obs), part_action) / 2).backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
""",
        ),
        fault(
            "schedule-stepped-with-every-batch",
            "learning-rate-too-low",
            "    policy.train()\n",
            "    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.1)\n    policy.train()\n",
            "            optimizer.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
        fault(
            "labels-shuffled",
            "targets-unrelated",
            "loss = F.mse_loss(pred, action_batch)",
            "loss = F.mse_loss(pred, action_batch[torch.randperm(len(action_batch))])",
        ),
        fault(
            "action-slips",
            "data-outliers",
            "    action_mean, action_std",
            "    slips = torch.rand(action.shape) < 0.02\n    action = torch.where(slips, action * 0 + 50.0, action)\n"
            "    action_mean, action_std",
            "action = (action - action_mean) / action_std",
            "action = action / torch.tensor([1.0, 1.5, 0.8, 40.0])",
        ),
    ),
)

"""Faults of the transformer that puts actions into bins."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=5e-4'
_LOSS = "loss = F.cross_entropy(logits.reshape(-1, BINS), label_batch.reshape(-1))"
_HALF = 'torch.autocast("cpu", dtype=torch.bfloat16, enabled=False)'

FAMILY = FamilyOfFaults(
    "bc_bins",
    "tune",
    (
        fault("batch-first-forgotten", "samples-leak", "dropout=0.1, batch_first=True", "dropout=0.1"),
        fault(
            "reshape-mixes-batch",
            "samples-leak",
            "x = self.norm(x[:, -1])",
            "x = self.norm(x.reshape(HISTORY, len(obs), -1)[-1])",
        ),
        fault(
            "softmax-twice",
            "softmax-applied-twice",
            "return torch.stack([head(x) for head in self.heads], dim=1)",
            "return torch.stack([head(x).softmax(dim=-1) for head in self.heads], dim=1)",
        ),
        fault("nll-on-logits", "nll-without-log-softmax", "F.cross_entropy(", "F.nll_loss("),
        fault(
            "linear-bins",
            "bins-not-covered",
            "return torch.quantile(action, levels, dim=0).T.contiguous()",
            "return (levels * 100 - 50).expand(ACTIONS, -1).contiguous()",
        ),
        fault("lr-x200", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.1'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=5e-8'),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad(set_to_none=True)\n", ""),
        fault(
            "heads-in-a-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList([nn.Linear(width, BINS) for _ in range(ACTIONS)])",
            "[nn.Linear(width, BINS) for _ in range(ACTIONS)]",
        ),
        fault(
            "encoder-detached",
            "parameters-without-gradient",
            "x = self.norm(x[:, -1])",
            "x = self.norm(x[:, -1].detach())",
        ),
        fault(
            "view-for-transpose",
            "dimensions-scrambled",
            "F.cross_entropy(logits.reshape(-1, BINS), label_batch.reshape(-1))",
            "F.cross_entropy(logits.reshape(len(logits), BINS, ACTIONS), label_batch)",
        ),
        fault(
            "head-init-wide",
            "initialization-off-scale loss-at-start-too-high",
            "    model.train()\n",
            "    for head in model.heads:\n        nn.init.normal_(head.weight, std=10.0)\n    model.train()\n",
        ),
        fault(
            "fp16-without-scaler", "fp16-gradients-not-unscaled", _HALF, 'torch.autocast("cpu", dtype=torch.float16)'
        ),
        fault(
            "clip-on-scaled",
            "clipping-without-effect fp16-gradients-not-unscaled",
            _HALF,
            'torch.autocast("cpu", dtype=torch.float16)',
            "enabled=False)\n    model.train()",
            "enabled=True)\n    model.train()",
            "            scaler.unscale_(optimizer)\n",
            "",
        ),
        fault(
            "scaler-bypassed",
            "fp16-gradients-not-unscaled",
            _HALF,
            'torch.autocast("cpu", dtype=torch.float16)',
            "enabled=False)\n    model.train()",
            "enabled=True)\n    model.train()",
            "            scaler.unscale_(optimizer)\n",
            "",
            "            scaler.step(optimizer)\n            scaler.update()\n",
            "            optimizer.step()\n",
            "            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n",
            "",
        ),
        fault(
            "inputs-raw",
            "inputs-not-normalized input-scales-differ",
            "obs = (obs - obs.mean((0, 1))) / obs.std((0, 1))",
            "obs = obs * torch.tensor([1.0, 1.0, 1.0, 1000.0, 1000.0, 1000.0])",
        ),
        fault("eval-mode", "eval-mode-in-training", "    model.train()\n", "    model.eval()\n"),
        fault("weight-decay-huge", "weight-decay-too-high", "weight_decay=0.01", "weight_decay=500.0"),
        fault(
            "log-of-softmax",
            "nan-or-inf loss-at-start-too-high",
            _LOSS,
            "probs = (logits.reshape(-1, BINS) * 300).softmax(-1)\n"
            "                loss = -probs.gather(1, label_batch.reshape(-1, 1)).log().mean()",
        ),
    ),
)

"""Faults of the language model."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=1e-3'

FAMILY = FamilyOfFaults(
    "language_model",
    "tune",
    (
        fault("mask-missing", "future-leaks", "q, k, v, is_causal=True", "q, k, v"),
        fault("targets-not-shifted", "targets-not-shifted", "data[i + 1 : i + 1 + BLOCK]", "data[i : i + BLOCK]"),
        fault("zero-grad-missing", "gradients-not-cleared", "        optimizer.zero_grad(set_to_none=True)\n", ""),
        fault(
            "lr-x1000",
            "learning-rate-too-high",
            _LR,
            '"--lr", type=float, default=1.0',
            "    if step < warmup:\n        return peak * (step + 1) / (warmup + 1)\n",
            "",
        ),
        fault(
            "lr-tiny",
            "learning-rate-too-low",
            _LR,
            '"--lr", type=float, default=1e-8',
            "    if step < warmup:\n        return peak * (step + 1) / (warmup + 1)\n",
            "",
        ),
        fault(
            "softmax-twice",
            "softmax-applied-twice",
            "logits = self.lm_head(self.ln_f(x))",
            "logits = self.lm_head(self.ln_f(x)).softmax(-1)",
        ),
        fault(
            "attention-over-batch",
            "samples-leak",
            "q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in (q, k, v))",
            "q, k, v = (y.view(t, b, self.heads, c // self.heads).permute(1, 2, 0, 3) for y in (q, k, v))",
        ),
        fault(
            "optimizer-lacks-embeddings",
            "parameters-not-in-optimizer",
            "AdamW(model.parameters()",
            "AdamW([*model.blocks.parameters(), *model.lm_head.parameters()]",
        ),
        fault("weight-decay-huge", "weight-decay-too-high", "weight_decay=0.1", "weight_decay=1000.0"),
        fault(
            "bfloat16-weights",
            "parameters-not-moving",
            "    model.train()\n",
            "    model.bfloat16()\n    model.train()\n",
            _LR,
            '"--lr", type=float, default=1e-6',
            "loss = F.cross_entropy(logits.view",
            "loss = F.cross_entropy(logits.float().view",
        ),
        fault(
            "init-wide", "initialization-off-scale loss-at-start-too-high exploding-gradients", "std=0.02", "std=10.0"
        ),
        fault(
            "embeddings-detached",
            "parameters-without-gradient",
            "        for block in self.blocks:\n",
            "        x = x.detach()\n        for block in self.blocks:\n",
        ),
        fault("sign-flipped", "loss-negated", "return logits, loss", "return logits, -loss"),
        fault(
            "temperature-tiny",
            "loss-at-start-too-high nan-or-inf",
            "logits = self.lm_head(self.ln_f(x))",
            "logits = self.lm_head(self.ln_f(x)) / 1e-4",
        ),
        fault(
            "logits-transposed",
            "dimensions-scrambled samples-leak",
            "F.cross_entropy(logits.view(-1, VOCAB), targets.reshape(-1))",
            "F.cross_entropy(logits.transpose(0, 1).reshape(-1, VOCAB), targets.reshape(-1))",
        ),
    ),
)

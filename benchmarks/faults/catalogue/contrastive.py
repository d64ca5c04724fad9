"""Faults of contrastive learning."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=1e-3'

FAMILY = FamilyOfFaults(
    "contrastive",
    "tune",
    (
        fault(
            "temperature-tiny",
            "loss-at-start-too-high nan-or-inf",
            '"--temperature", type=float, default=0.2',
            '"--temperature", type=float, default=1e-4',
        ),
        fault(
            "inputs-raw",
            "inputs-not-normalized",
            "    data = (data - data.mean(0)) / data.std(0)\n",
            "    data = data * 20\n",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault("lr-x1000", "learning-rate-too-high", _LR, '"--lr", type=float, default=1.0'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=1e-8'),
        fault(
            "both-detached",
            "loss-detached everything-frozen",
            "loss = info_nce(a, b, args.temperature)",
            "loss = info_nce(a.detach(), b.detach(), args.temperature)",
        ),
        fault(
            "projector-not-trained",
            "parameters-not-in-optimizer",
            "AdamW(model.parameters()",
            "AdamW(model.backbone.parameters()",
        ),
        fault(
            "backbone-no-grad",
            "parameters-without-gradient",
            "self.projector(self.backbone(x))",
            "self.projector(self.backbone(x).detach())",
        ),
        fault(
            "softmax-twice",
            "softmax-applied-twice",
            "    logits = a @ b.T / temperature\n",
            "    logits = (a @ b.T / temperature).softmax(1)\n",
        ),
        fault("normalized-over-batch", "samples-leak", "dim=-1)\n", "dim=0)\n"),
        fault("weight-decay-huge", "weight-decay-too-high", "weight_decay=1e-4", "weight_decay=200.0"),
        fault(
            "sign-flipped",
            "loss-negated",
            "    return (F.cross_entropy(logits, labels)",
            "    return -(F.cross_entropy(logits, labels)",
        ),
        fault("same-view", "views-alike", "view_b = x + 0.1 * torch.randn_like(x)", "view_b = view_a"),
    ),
)

"""Faults of the deep MLP that predicts returns."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=1e-2'
_CLIP = "            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
_NORM = "return self.out(self.norm(x))"

FAMILY = FamilyOfFaults(
    "deep_regression",
    "tune",
    (
        fault(
            "deep-sigmoid",
            "vanishing-gradients",
            "self.act = nn.ReLU()",
            "self.act = nn.Sigmoid()",
            "return x + self.act(self.fc(x))",
            "return self.act(self.fc(x))",
            _NORM,
            "return self.out(x)",
        ),
        fault("broadcast", "loss-broadcasts", "pred = model(states).squeeze(-1)", "pred = model(states)"),
        fault(
            "exploding",
            "exploding-gradients nan-or-inf",
            "self.fc = nn.Linear(width, width)",
            "self.fc = nn.Linear(width, width)\n        nn.init.normal_(self.fc.weight, std=1.0)",
            _NORM,
            "return self.out(x)",
            _CLIP,
            "",
        ),
        fault("lr-x1000", "learning-rate-too-high", _LR, '"--lr", type=float, default=10.0', _CLIP, ""),
        fault("lr-x100", "learning-rate-too-high", _LR, '"--lr", type=float, default=1.0', _CLIP, ""),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=1e-6'),
        fault(
            "schedule-per-step",
            "learning-rate-too-low",
            "        scheduler.step()\n",
            "",
            "            optimizer.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
            "step_size=10, gamma=0.5",
            "step_size=1, gamma=0.1",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault(
            "relu-head",
            "inputs-ignored parameters-without-gradient loss-detached targets-beyond-head",
            _NORM,
            "return torch.relu(self.out(self.norm(x)) - 5.0)",
        ),
        fault("sigmoid-head", "targets-beyond-head", _NORM, "return torch.sigmoid(self.out(self.norm(x)))"),
        fault(
            "blocks-in-a-list",
            "parameters-not-in-optimizer",
            "self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])",
            "self.blocks = [Block(width) for _ in range(depth)]",
            "x = self.blocks(self.inp(x))",
            "x = self.inp(x)\n        for block in self.blocks:\n            x = block(x)",
        ),
        fault(
            "item-in-loss",
            "loss-detached",
            "loss = ((pred - values) ** 2).mean()",
            "loss = torch.tensor(((pred - values) ** 2).mean().item(), requires_grad=True)",
        ),
        fault(
            "loss-summed",
            "learning-rate-too-high",
            "loss = ((pred - values) ** 2).mean()",
            "loss = ((pred - values) ** 2).sum() * 64",
            _CLIP,
            "",
        ),
        fault(
            "clip-tiny",
            "gradients-not-clipped",
            "clip_grad_norm_(model.parameters(), 1.0)",
            "clip_grad_norm_(model.parameters(), 1e-6)",
        ),
        fault("gradient-ascent", "update-goes-uphill", "momentum=0.9)", "momentum=0.9, maximize=True)"),
        fault(
            "update-without-minus",
            "update-goes-uphill gradient-mismatch",
            "            optimizer.step()\n",
            "            for p in model.parameters():\n                p.grad.neg_()\n            optimizer.step()\n",
        ),
        fault(
            "values-raw",
            "targets-not-normalized learning-rate-too-high exploding-gradients",
            "return state, (value - value.mean()) / value.std()",
            "return state, value * 1000 + 5000",
            _CLIP,
            "",
        ),
    ),
)

"""Faults of the image classifier."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=0.02'
_CRITERION = "criterion = nn.CrossEntropyLoss()"
_FORWARD = "        return self.fc2(x)"

FAMILY = FamilyOfFaults(
    "image_cnn",
    "tune",
    (
        fault(
            "bytes",
            "inputs-not-normalized",
            "        image = self.images[index].float() / 255\n"
            "        return (image - 0.35) / 0.3, self.labels[index]\n",
            "        return self.images[index].float(), self.labels[index]\n",
        ),
        fault("softmax-twice", "softmax-applied-twice", _FORWARD, "        return F.softmax(self.fc2(x), dim=1)"),
        fault("nll-on-logits", "nll-without-log-softmax", _CRITERION, "criterion = nn.NLLLoss()"),
        fault(
            "nll-on-probabilities",
            "nll-without-log-softmax",
            _CRITERION,
            "criterion = nn.NLLLoss()",
            _FORWARD,
            "        return F.softmax(self.fc2(x), dim=1)",
        ),
        fault("eval-mode", "eval-mode-in-training", "        model.train()\n", "        model.eval()\n"),
        fault("lr-x1000", "learning-rate-too-high", _LR, '"--lr", type=float, default=20.0'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=2e-7'),
        fault(
            "init-wide",
            "initialization-off-scale loss-at-start-too-high exploding-gradients",
            "    criterion = ",
            "    for p in model.parameters():\n        nn.init.normal_(p, std=10.0)\n    criterion = ",
        ),
        fault(
            "init-zero",
            "units-alike parameters-without-gradient vanishing-gradients inputs-ignored",
            "    criterion = ",
            "    for p in model.parameters():\n        nn.init.zeros_(p)\n    criterion = ",
        ),
        fault(
            "flatten-mixes-batch",
            "samples-leak",
            "x = torch.flatten(x, 1)",
            "x = x.permute(1, 0, 2, 3).reshape(len(x), -1)",
        ),
        fault(
            "optimizer-lacks-convolutions",
            "parameters-not-in-optimizer",
            "SGD(model.parameters()",
            "SGD([*model.fc1.parameters(), *model.fc2.parameters()]",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault("weight-decay-huge", "weight-decay-too-high", "weight_decay=5e-4", "weight_decay=5.0"),
        fault(
            "log-of-softmax",
            "nan-or-inf",
            "loss = criterion(outputs, labels)",
            "probs = (outputs * 500).softmax(1)\n"
            "            loss = -probs[torch.arange(len(labels)), labels].log().mean()",
        ),
        fault(
            "features-detached",
            "parameters-without-gradient",
            "x = torch.flatten(x, 1)",
            "x = torch.flatten(x, 1).detach()",
        ),
        fault(
            "images-zero",
            "inputs-constant inputs-ignored",
            "image = self.images[index].float() / 255",
            "image = self.images[index] // 255",
        ),
        fault(
            "loss-summed",
            "learning-rate-too-high",
            _CRITERION,
            'criterion = nn.CrossEntropyLoss(reduction="sum")',
            "batch_size=32",
            "batch_size=256",
        ),
        fault("relu-on-logits", "logits-bounded", _FORWARD, "        return F.relu(self.fc2(x))"),
        fault(
            "labels-shuffled",
            "targets-unrelated",
            "loss = criterion(outputs, labels)",
            "loss = criterion(outputs, labels[torch.randperm(len(labels))])",
        ),
    ),
)

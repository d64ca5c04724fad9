"""Faults of the LSTM that detects success."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=2e-3'

FAMILY = FamilyOfFaults(
    "sequence_lstm",
    "tune",
    (
        fault("batch-first-forgotten", "samples-leak", "num_layers=2, batch_first=True", "num_layers=2"),
        fault(
            "sigmoid-twice",
            "sigmoid-applied-twice",
            "return self.head(out[:, -1])",
            "return torch.sigmoid(self.head(out[:, -1]))",
        ),
        fault(
            "exploding-rnn",
            "exploding-gradients nan-or-inf",
            "self.lstm = nn.LSTM(inputs, hidden, num_layers=2, batch_first=True)",
            'self.lstm = nn.RNN(inputs, hidden, nonlinearity="relu", batch_first=True)\n'
            "        nn.init.normal_(self.lstm.weight_hh_l0, std=1.0)",
            "            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n",
            "",
        ),
        fault(
            "vanishing-rnn",
            "vanishing-gradients",
            "self.lstm = nn.LSTM(inputs, hidden, num_layers=2, batch_first=True)",
            "self.lstm = nn.RNN(inputs, hidden, num_layers=8, batch_first=True)\n"
            "        for name, p in self.lstm.named_parameters():\n            nn.init.normal_(p, std=0.01)",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault("lr-x300", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.6'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=2e-7'),
        fault("head-only", "parameters-not-in-optimizer", "Adam(model.parameters()", "Adam(model.head.parameters()"),
        fault(
            "states-raw",
            "inputs-not-normalized input-scales-differ",
            "state = (state - state.mean((0, 1))) / state.std((0, 1))",
            "state = state * torch.tensor([1.0, 1.0, 2000.0, 2000.0, 1.0])",
        ),
        fault(
            "broadcast",
            "loss-broadcasts",
            "loss = criterion(logits, labels.unsqueeze(1))",
            "loss = ((torch.sigmoid(logits) - labels) ** 2).mean()",
        ),
        fault(
            "labels-constant",
            "targets-constant",
            "success = (state[:, -1, 0] + state[:, length // 2, 1] > 0).float()",
            "success = (state[:, -1, 0] + state[:, length // 2, 1] > -1e9).float()",
        ),
        fault(
            "bce-on-logits",
            "nan-or-inf",
            "loss = criterion(logits, labels.unsqueeze(1))",
            "p = logits\n            loss = -(labels.unsqueeze(1) * p.log() + (1 - labels.unsqueeze(1)) *"
            " (1 - p).log()).mean()",
        ),
    ),
)

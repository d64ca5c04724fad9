"""Faults of the transformer that predicts chunks of actions."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=2e-3'

FAMILY = FamilyOfFaults(
    "act_chunks",
    "tune",
    (
        # The style is drawn from padding, which is zero: no weight that reads an action learns.
        fault(
            "attention-mask-means-keep",
            "parameters-without-gradient inputs-ignored",
            "torch.cat([torch.zeros(len(state), 2, dtype=torch.bool), is_pad], dim=1)",
            "torch.cat([torch.ones(len(state), 2, dtype=torch.bool), ~is_pad], dim=1)",
        ),
        # The key of another data set: padding is learnt as if it were actions.
        fault(
            "padding-looked-up-by-wrong-name",
            "padding-not-masked mask-unused",
            'valid = ~batch["is_pad"].unsqueeze(-1)',
            'valid = ~batch.get("action_is_pad", torch.zeros_like(batch["is_pad"])).unsqueeze(-1)',
        ),
        fault(
            "called-as-at-inference",
            "parameters-without-gradient",
            'model(batch["state"], batch["action"], batch["is_pad"])',
            'model(batch["state"])',
        ),
        fault(
            "queries-all-zero",
            "parameters-without-gradient",
            "queries = self.queries.weight.expand(len(state), -1, -1)",
            "queries = torch.zeros_like(self.queries.weight).expand(len(state), -1, -1)",
        ),
        # The loss falls all the same: what a sample is told depends on the others beside it, and there are none on the arm.
        fault(
            "batch-first-in-two-of-three",
            "samples-leak",
            "self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, **options), 2)",
            "self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, 2 * width), 2)",
        ),
        fault(
            "schedule-returns-a-rate",
            "learning-rate-too-low",
            "return min((step + 1) / warmup, ",
            "return args.lr * min((step + 1) / warmup, ",
        ),
        fault("lr-x25", "learning-rate-too-high", _LR, '"--lr", type=float, default=5e-2'),
        fault(
            "deviation-clamped-from-above",
            "targets-not-normalized",
            "action.std(0).clamp(min=1e-2)",
            "action.std(0).clamp(max=1e-2)",
        ),
        fault(
            "servo-ticks",
            "inputs-not-normalized input-scales-differ",
            '(episode["state"][t] - self.state_mean) / self.state_std',
            'torch.cat([episode["state"][t, :JOINTS] * 652 + 2048, episode["state"][t, JOINTS:]])',
        ),
        fault(
            "groups-miss-the-encoder",
            "parameters-not-in-optimizer",
            'if not name.startswith("style")]',
            'if name.startswith(("decoder", "queries", "head"))]',
        ),
        fault(
            "cleared-once-an-epoch",
            "gradients-not-cleared",
            "            optimizer.zero_grad()\n",
            "",
            "        model.train()\n",
            "        model.train()\n        optimizer.zero_grad()\n",
        ),
        fault(
            "loss-from-what-is-logged",
            "parameters-without-gradient loss-detached",
            'return {"loss": l1 + kl_weight * kl, "l1": l1, "kl": kl}',
            'report = {"l1": l1.detach(), "kl": kl}\n'
            '    return {"loss": report["l1"] + kl_weight * report["kl"], **report}',
        ),
        # States and actions do not begin together: old commands are learnt as well as new ones, and fail on the arm.
        fault(
            "actions-by-row-of-the-state",
            "timestamps-misaligned",
            'start = int(torch.searchsorted(episode["action_time"], episode["state_time"][t]))',
            "start = t",
        ),
        fault(
            "one-action-for-the-chunk",
            "loss-broadcasts",
            'F.l1_loss(pred, batch["action"], reduction="none")',
            'F.l1_loss(pred, batch["action"][:, :1], reduction="none")',
        ),
    ),
)

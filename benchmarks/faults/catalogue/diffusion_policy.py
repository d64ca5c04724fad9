"""Faults of the diffusion policy."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=3e-4'
_NORMALIZE = "    action = (action - mean) / std\n"

FAMILY = FamilyOfFaults(
    "diffusion_policy",
    "tune",
    (
        fault("zero-grad-missing", "gradients-not-cleared", "        optimizer.zero_grad()\n", ""),
        fault("lr-x300", "learning-rate-too-high", _LR, '"--lr", type=float, default=0.1'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=3e-8'),
        fault("actions-in-millimetres", "noise-scale-mismatch inputs-not-normalized", _NORMALIZE, ""),
        fault("sign-flipped", "loss-negated", "loss = F.mse_loss(pred, noise)", "loss = -F.mse_loss(pred, noise)"),
        fault("softmax-over-batch", "samples-leak", "h = h + block(h)", "h = h + block(h).softmax(dim=0)"),
        fault(
            "schedule-reaches-zero",
            "nan-or-inf data-not-finite",
            "pred = model(noisy, t, batch_obs)",
            "pred = (noisy - bar.sqrt() * model(noisy, t, batch_obs)) / (1 - bar).sqrt()",
            "    return torch.cumprod(1 - betas, dim=0)",
            "    return torch.cat([torch.ones(STEPS - 5), torch.cumprod(1 - betas, dim=0)[:5]])",
        ),
        fault(
            "optimizer-holds-ema",
            "parameters-not-in-optimizer loss-detached",
            "AdamW(model.parameters()",
            "AdamW(ema.parameters()",
        ),
        fault(
            "time-raw",
            "inputs-not-normalized",
            "return torch.cat([angle.sin(), angle.cos()], dim=-1)",
            "return t.float()[:, None].expand(-1, self.width) * 10",
        ),
        fault(
            "prediction-detached",
            "loss-detached everything-frozen",
            "pred = model(noisy, t, batch_obs)",
            "pred = model(noisy, t, batch_obs).detach()",
        ),
        fault(
            "no-grad-in-time-embedding",
            "parameters-without-gradient",
            "+ self.time(self.embed(t))",
            "+ self.time(self.embed(t)).detach()",
        ),
        fault(
            "observation-ignored",
            "inputs-ignored inputs-constant",
            "pred = model(noisy, t, batch_obs)",
            "pred = model(noisy, t, torch.zeros_like(batch_obs))",
        ),
        fault(
            "noise-never-added",
            "noise-unseen",
            "noisy = bar.sqrt() * batch_action + (1 - bar).sqrt() * noise",
            "noisy = batch_action",
        ),
        fault("weight-decay-huge", "weight-decay-too-high", "weight_decay=1e-4", "weight_decay=300.0"),
        fault(
            "sqrt-of-zero",
            "nan-or-inf",
            "loss = F.mse_loss(pred, noise)",
            "loss = ((pred - noise).sum(-1) * 0 + (pred - pred).pow(2).sum(-1)).sqrt().mean()"
            " + F.mse_loss(pred, noise)",
        ),
    ),
)

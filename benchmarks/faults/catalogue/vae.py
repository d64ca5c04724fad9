"""Faults of the variational autoencoder."""

from harness import FamilyOfFaults, fault

_LR = '"--lr", type=float, default=1e-3'

FAMILY = FamilyOfFaults(
    "vae",
    "tune",
    (
        fault(
            "bytes",
            "inputs-not-normalized targets-beyond-head",
            "images = pictures().float() / 255",
            "images = pictures().float()",
            'bce = F.binary_cross_entropy(recon, x, reduction="sum")',
            "bce = ((recon - x) ** 2).sum()",
        ),
        fault(
            "mse-to-bytes",
            "targets-beyond-head",
            'bce = F.binary_cross_entropy(recon, x, reduction="sum")',
            "bce = ((recon - x * 255) ** 2).sum()",
        ),
        fault(
            "sigmoid-twice",
            "sigmoid-applied-twice",
            'F.binary_cross_entropy(recon, x, reduction="sum")',
            'F.binary_cross_entropy_with_logits(recon, x, reduction="sum")',
        ),
        fault(
            "decoder-not-trained",
            "parameters-not-in-optimizer",
            "Adam(model.parameters()",
            "Adam([*model.encoder.parameters(), *model.to_mu.parameters(), *model.to_logvar.parameters()]",
        ),
        fault(
            "latent-detached",
            "parameters-without-gradient",
            "return torch.sigmoid(self.decoder(z)), mu, logvar",
            "return torch.sigmoid(self.decoder(z.detach())), mu.detach(), logvar.detach()",
        ),
        fault(
            "logvar-overflows",
            "nan-or-inf loss-at-start-too-high",
            "std = torch.exp(0.5 * logvar)",
            "std = torch.exp(500 * logvar.exp())",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault("lr-x1000", "learning-rate-too-high", _LR, '"--lr", type=float, default=1.0'),
        fault("lr-tiny", "learning-rate-too-low", _LR, '"--lr", type=float, default=1e-8'),
        fault("sign-flipped", "loss-negated", "return (bce + kld) / len(x)", "return -(bce + kld) / len(x)"),
        fault("kl-flipped", "loss-negated", "kld = -0.5 * torch.sum(", "kld = 0.5 * torch.sum("),
        fault(
            "log-of-pixels",
            "nan-or-inf",
            "return torch.sigmoid(self.decoder(z)), mu, logvar",
            "return (self.decoder(z) > 0).float() + 0 * self.decoder(z), mu, logvar",
            'F.binary_cross_entropy(recon, x, reduction="sum")',
            "-(x * recon.log()).sum()",
        ),
        fault("softmax-over-batch", "samples-leak", "h = self.encoder(x)", "h = self.encoder(x).softmax(dim=0)"),
    ),
)

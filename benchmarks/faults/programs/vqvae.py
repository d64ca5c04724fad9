"""A VQ-VAE compresses windows of machine signals into a few codes."""

import argparse

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

MISSING = -9999.0


def log_machine(windows, length=64):
    """Acceleration (m/s2), spindle current (A) and coolant pressure (Pa), with gaps where a sensor did not answer."""
    t = torch.arange(length) / length
    speed = torch.randint(2, 6, (windows, 1)).float()
    phase, load = torch.rand(windows, 1), torch.rand(windows, 1)
    turn = 2 * torch.pi * (speed * t + phase)
    vibration = (1 + 2 * load) * turn.sin() + load * (3 * turn).sin() + 0.15 * torch.randn(windows, length)
    cut = torch.sigmoid(40 * (t - 0.8 * torch.rand(windows, 1)))
    current = 4 + 9 * load * cut + 0.6 * turn.cos() + 0.2 * torch.randn(windows, length)
    pressure = 4.1e5 - 6e4 * cut * load + 4e3 * (turn / speed).sin() + 1.5e3 * torch.randn(windows, length)
    signals = torch.stack([vibration, current, pressure], dim=1)
    return torch.where(torch.rand_like(signals) < 0.004, torch.full_like(signals, MISSING), signals)


def fill_gaps(signals):
    """Hold the value before a gap."""
    signals = signals.clone()
    for i in range(signals.shape[-1]):
        before = signals[..., i - 1] if i else signals.median(dim=-1).values
        signals[..., i] = torch.where(signals[..., i] == MISSING, before, signals[..., i])
    return signals


class VectorQuantizer(nn.Module):
    def __init__(self, codes, width, commitment=0.25):
        super().__init__()
        self.codes, self.commitment = codes, commitment
        self.codebook = nn.Embedding(codes, width)
        nn.init.normal_(self.codebook.weight, std=1.0)

    def forward(self, z):
        vectors = z.permute(0, 2, 1)
        flat = vectors.reshape(-1, vectors.shape[-1])
        weight = self.codebook.weight
        distance = flat.pow(2).sum(1, keepdim=True) - 2 * flat @ weight.T + weight.pow(2).sum(1)
        chosen = distance.argmin(dim=1)
        quantized = self.codebook(chosen).view_as(vectors)
        codebook_loss = F.mse_loss(quantized, vectors.detach())
        commitment_loss = F.mse_loss(vectors, quantized.detach())
        straight = vectors + (quantized - vectors).detach()
        usage = torch.bincount(chosen, minlength=self.codes).float() / len(chosen)
        perplexity = torch.exp(-(usage * (usage + 1e-10).log()).sum())
        return straight.permute(0, 2, 1), codebook_loss + self.commitment * commitment_loss, perplexity


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.ReLU(), nn.Conv1d(width, width, 3, padding=1), nn.ReLU(), nn.Conv1d(width, width, 1))

    def forward(self, x):
        return x + self.body(x)


class VQVAE(nn.Module):
    def __init__(self, channels=3, hidden=48, width=8, codes=64):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv1d(channels, hidden, 4, stride=2, padding=1), nn.ReLU(),
                                     nn.Conv1d(hidden, hidden, 4, stride=2, padding=1), Residual(hidden),
                                     Residual(hidden), nn.ReLU(), nn.Conv1d(hidden, width, 1), nn.GroupNorm(1, width))
        self.quantizer = VectorQuantizer(codes, width)
        self.decoder = nn.Sequential(nn.Conv1d(width, hidden, 3, padding=1), Residual(hidden), Residual(hidden), nn.ReLU(),
                                     nn.ConvTranspose1d(hidden, hidden, 4, stride=2, padding=1), nn.ReLU(),
                                     nn.ConvTranspose1d(hidden, channels, 4, stride=2, padding=1))

    def forward(self, x):
        quantized, vq_loss, perplexity = self.quantizer(self.encoder(x))
        return self.decoder(quantized), vq_loss, perplexity


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    signals = fill_gaps(log_machine(1536))
    mean, std = signals.mean(dim=(0, 2), keepdim=True), signals.std(dim=(0, 2), keepdim=True)
    signals = (signals - mean) / std
    loader = DataLoader(TensorDataset(signals), batch_size=args.batch_size, shuffle=True, drop_last=True)
    model = VQVAE()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.99))
    model.train()
    for epoch in range(args.epochs):
        reconstruction, codes = 0.0, 0.0
        for (x,) in loader:
            recon, vq_loss, perplexity = model(x)
            recon_loss = F.mse_loss(recon, x)
            loss = recon_loss + vq_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            reconstruction += recon_loss.item() / len(loader)
            codes += perplexity.item() / len(loader)
        print(f"epoch {epoch}: reconstruction {reconstruction:.4f}, vq {vq_loss.item():.4f}, perplexity {codes:.1f}")


if __name__ == "__main__":
    main()

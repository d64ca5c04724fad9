"""A GAN on vectors, the discriminator first."""

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(torch.randn(512, 4) * 0.5 + 1.0), 64, shuffle=True, drop_last=True)
    generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    discriminator = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for _ in range(20):
        for (real,) in loader:
            ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
            fake = generator(torch.randn(len(real), 8))
            d_optimizer.zero_grad()
            d_loss = functional.binary_cross_entropy_with_logits(discriminator(real), ones)
            d_loss = d_loss + functional.binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros)
            d_loss.backward()
            d_optimizer.step()
            g_optimizer.zero_grad()
            g_loss = functional.binary_cross_entropy_with_logits(discriminator(fake), ones)
            g_loss.backward()
            g_optimizer.step()

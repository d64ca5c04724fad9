"""Two optimizers in one function, both clipped, one in each branch of the round."""

import torch
from torch import nn


def train(generator, critic, loader, args):
    opt_g = torch.optim.RMSprop(generator.parameters(), lr=args.lr)
    opt_d = torch.optim.RMSprop(critic.parameters(), lr=args.lr)
    for i, real in enumerate(loader):
        noise = torch.randn(len(real), args.latent)
        opt_d.zero_grad()
        loss_d = critic(generator(noise).detach()).mean() - critic(real).mean()
        loss_d.backward()
        nn.utils.clip_grad_norm_(critic.parameters(), args.max_norm)
        opt_d.step()
        if i % args.n_critic == 0:
            opt_g.zero_grad()
            loss_g = -critic(generator(noise)).mean()
            loss_g.backward()
            nn.utils.clip_grad_norm_(generator.parameters(), args.max_norm)
            opt_g.step()

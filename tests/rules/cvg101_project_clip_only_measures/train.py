"""A name is read, not believed: nothing is clipped here."""

import grads


def train(net, loader, optimizer, writer):
    for step, (spectrogram, wave) in enumerate(loader):
        optimizer.zero_grad()
        loss = (net(spectrogram) - wave).abs().mean()
        loss.backward()
        norm = grads.clip_grad_value_(net.parameters(), None)
        optimizer.step()  # CVG101
        writer.add_scalar("grad_norm", norm, step)

"""The unscale is in another file, before the clip."""

import torch
from amp import Amp


def train(args, model, loader, criterion):
    amp = Amp(args.amp)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", enabled=args.amp):
            loss = criterion(model(x), y)
        amp.backward(loss, optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        amp.step(optimizer)

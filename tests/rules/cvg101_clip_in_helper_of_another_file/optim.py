"""One update for all scripts."""

from torch.nn.utils import clip_grad_norm_


def update(loss, optimizer, parameters, max_norm=None):
    optimizer.zero_grad()
    loss.backward()
    if max_norm is not None:
        clip_grad_norm_(parameters, max_norm)
    optimizer.step()

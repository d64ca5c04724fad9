"""Calls of log_prob, sample and entropy of torch's distributions while the session watches."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap import places

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session


def count(session: Session) -> None:
    """Count log_prob, sample and entropy of torch's distributions while the session watches."""
    seen: set[int] = set()
    classes = [torch.distributions.Distribution]
    for cls in classes:
        classes += [c for c in cls.__subclasses__() if c not in classes]
        for name in ("log_prob", "sample", "rsample", "entropy"):
            original = vars(cls).get(name)
            if original is not None and id(original) not in seen:
                session.patches.replace(cls, name, _counted(session, name, original))
                seen.add(id(original))


def _counted(session: Session, name: str, original: Any) -> Any:

    @functools.wraps(original)
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        session.policy.depth += 1
        try:
            made = original(self, *args, **kwargs)
        finally:
            session.policy.depth -= 1
        # Independent, transformed and mixed distributions ask those within them.
        if session.watching and session.active and not session.policy.depth:
            calls = session.record.features.calls
            key = name
            if name == "log_prob" and not (isinstance(made, torch.Tensor) and made.requires_grad):
                key = "log_prob without gradient"
            elif name == "log_prob":
                session.policy.note_log_probability(made)
                session.watch.surrogate.note_log_probability(made)
                with session.looking("asking a distribution for its mean"):
                    _note_likelihood(session, self, args)
            elif name == "entropy" and made.requires_grad:
                made.register_hook(lambda g: session.record.features.entropy_gradients.append(float(g.sum())))
            calls[key] = calls.get(key, 0) + 1
        return made

    return counted


def _note_likelihood(session: Session, distribution: Any, args: Any) -> None:
    """A likelihood compares the mean, or the logits, with what was observed."""
    inner = getattr(distribution, "base_dist", distribution)
    name = "logits" if isinstance(inner, torch.distributions.Categorical) else "loc"
    given = vars(inner).get(name)
    if isinstance(given, torch.Tensor) and args and isinstance(args[0], torch.Tensor):
        session.pull.note_compared(given, args[0], f"{type(distribution).__name__}.log_prob", places.here(3))

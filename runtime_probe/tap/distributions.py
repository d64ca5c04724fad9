"""Calls of log_prob, sample and entropy of torch's distributions while the session watches."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap import places
from runtime_probe.tap.between import MOVES

if TYPE_CHECKING:
    from runtime_probe.record import Where
    from runtime_probe.tap.session import Session

SAMPLED = "_convdiag_sampled"
"""Tag of what sample() drew of a distribution whose parameters depend on a model: where."""
_MOST_NODES = 8


def _learns(distribution: Any) -> bool:
    return torch.is_grad_enabled() and any(
        isinstance(value, torch.Tensor) and value.requires_grad for value in vars(distribution).values()
    )


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
                if args and isinstance(args[0], torch.Tensor) and args[0].requires_grad and _learns(self):
                    # Of what was drawn with its gradient: the loss wants it for the entropy, and for nothing else.
                    session.watch.squash.note_log_probability(args[0])
                    gradients = session.record.features.entropy_gradients
                    made.register_hook(lambda g: gradients.append(-float(g.sum())))
                with session.looking("asking a distribution for its mean"):
                    _note_likelihood(session, self, args)
            elif name == "entropy" and made.requires_grad:
                made.register_hook(lambda g: session.record.features.entropy_gradients.append(float(g.sum())))
            elif name == "sample" and isinstance(made, torch.Tensor) and _learns(self):
                setattr(made, SAMPLED, places.here(3))
            calls[key] = calls.get(key, 0) + 1
        return made

    return counted


def _note_likelihood(session: Session, distribution: Any, args: Any) -> None:
    """A likelihood compares the mean, or the logits, with what was observed."""
    inner = getattr(distribution, "base_dist", distribution)
    name = "logits" if isinstance(inner, torch.distributions.Categorical) else "loc"
    given = vars(inner).get(name)
    if name == "logits" and isinstance(given, torch.Tensor):
        features = session.record.features
        features.probabilities_as_logits = features.probabilities_as_logits or _of_softmax(given, places.here(3))
    if isinstance(given, torch.Tensor) and args and isinstance(args[0], torch.Tensor):
        session.pull.note_compared(given, args[0], f"{type(distribution).__name__}.log_prob", places.here(3))


def _of_softmax(logits: torch.Tensor, where: Where) -> Where | None:
    """`where`, if the logits that a distribution was given came out of a softmax; it subtracts the sum itself."""
    node: Any = logits.grad_fn
    for _ in range(_MOST_NODES):
        if node is None or not node.name().startswith(("Sub", *MOVES)):
            break
        node = node.next_functions[0][0]
    return where if node is not None and node.name().startswith("SoftmaxBackward") else None

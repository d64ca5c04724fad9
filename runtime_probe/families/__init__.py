"""Loss families, and how a run gives its own away; one file a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families import (
    adversarial,
    diffusion,
    flow,
    language,
    reinforcement,
    supervised,
    variational,
)
from runtime_probe.families.base import Family as Family

if TYPE_CHECKING:
    from runtime_probe.record import Record

# The more specific first: an RL script calls mse_loss, too.
_KNOWN = (reinforcement, adversarial, language, diffusion, flow, variational, supervised)


def detect(record: Record) -> Family:
    """Return the loss family of a run, with the evidence."""
    for family in _KNOWN:
        found: Family | None = family.recognise(record)
        if found is not None:
            return found
    return Family("unknown", ("no loss function of torch and no squared difference was seen",))

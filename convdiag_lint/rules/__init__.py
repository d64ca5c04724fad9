"""Questions to timelines, one file a rule."""

from __future__ import annotations

from convdiag_lint.rules import (
    cvg101_unclipped_gradients,
    cvg102_misplaced_clipping,
    cvg103_gradients_not_cleared,
    cvg201_unchecked_loss,
)
from convdiag_lint.rules.base import Rule

ALL: tuple[Rule, ...] = (
    cvg101_unclipped_gradients.RULE,
    cvg102_misplaced_clipping.RULE,
    cvg103_gradients_not_cleared.RULE,
    cvg201_unchecked_loss.RULE,
)
"""Every rule, by code."""

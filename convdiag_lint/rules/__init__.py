"""Questions to timelines, one file a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.rules import (
    cvg101_unclipped_gradients,
    cvg102_misplaced_clipping,
    cvg103_gradients_not_cleared,
    cvg201_unchecked_loss,
    cvg203_fp16_without_scaler,
    cvg204_fp16_hard_wired,
    cvg301_unnormalized_inputs,
    cvg302_statistics_not_saved,
    cvg303_inference_without_statistics,
    cvg401_unclamped_flow_time,
)

if TYPE_CHECKING:
    from convdiag_lint.rules.base import Rule

ALL: tuple[Rule, ...] = (
    cvg101_unclipped_gradients.RULE,
    cvg102_misplaced_clipping.RULE,
    cvg103_gradients_not_cleared.RULE,
    cvg201_unchecked_loss.RULE,
    cvg203_fp16_without_scaler.RULE,
    cvg204_fp16_hard_wired.RULE,
    cvg301_unnormalized_inputs.RULE,
    cvg302_statistics_not_saved.RULE,
    cvg303_inference_without_statistics.RULE,
    cvg401_unclamped_flow_time.RULE,
)
"""Every rule, by code."""

"""Measurements to verdicts; one file a check, in the order of the seed's checklist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks import (
    bin_coverage,
    broadcast_loss,
    clipping_ineffective,
    constant_dimensions,
    data_nonfinite,
    discounted_horizon,
    everything_frozen,
    exploding_gradients,
    flow_time,
    fp16_overflow,
    fp16_scaled_step,
    future_leaks,
    gradient_clipping,
    gradient_mismatch,
    gradient_scale,
    gradients_not_cleared,
    head_range,
    input_scales,
    inputs_ignored,
    inputs_unnormalized,
    learning_rate_too_high,
    learning_rate_too_low,
    log_probabilities_expected,
    loss_at_start,
    loss_detached,
    loss_negated,
    loss_shape,
    nan_or_inf,
    noise_scale,
    outliers,
    parameters_not_moving,
    parameters_without_gradient,
    parameters_without_optimizer,
    probabilities_as_logits,
    ranks_differ,
    reward_density,
    same_batch_on_ranks,
    samples_leak,
    sigmoid_twice,
    target_scales,
    ten_steps,
    timestamps,
    update_uphill,
    vanishing_gradients,
)
from runtime_probe.checks.base import Result as Result
from runtime_probe.checks.base import Status as Status

if TYPE_CHECKING:
    from runtime_probe.checks.base import Check as Check

ALL: tuple[Check, ...] = (
    # 1 data
    data_nonfinite.CHECK,
    inputs_unnormalized.CHECK,
    input_scales.CHECK,
    target_scales.CHECK,
    constant_dimensions.CHECK,
    outliers.CHECK,
    same_batch_on_ranks.CHECK,
    # 2 timestamps
    timestamps.CHECK,
    # 3 ten steps
    ten_steps.CHECK,
    loss_detached.CHECK,
    loss_negated.CHECK,
    update_uphill.CHECK,
    gradient_mismatch.CHECK,
    learning_rate_too_high.CHECK,
    learning_rate_too_low.CHECK,
    inputs_ignored.CHECK,
    loss_at_start.CHECK,
    # 4 gradients
    everything_frozen.CHECK,
    gradients_not_cleared.CHECK,
    parameters_without_optimizer.CHECK,
    parameters_without_gradient.CHECK,
    parameters_not_moving.CHECK,
    gradient_scale.CHECK,
    vanishing_gradients.CHECK,
    exploding_gradients.CHECK,
    gradient_clipping.CHECK,
    clipping_ineffective.CHECK,
    ranks_differ.CHECK,
    # 5 NaN
    nan_or_inf.CHECK,
    # 6 curve, half precision
    loss_shape.CHECK,
    fp16_overflow.CHECK,
    fp16_scaled_step.CHECK,
    # 7 loss family
    broadcast_loss.CHECK,
    probabilities_as_logits.CHECK,
    log_probabilities_expected.CHECK,
    sigmoid_twice.CHECK,
    head_range.CHECK,
    samples_leak.CHECK,
    future_leaks.CHECK,
    bin_coverage.CHECK,
    flow_time.CHECK,
    noise_scale.CHECK,
    reward_density.CHECK,
    discounted_horizon.CHECK,
)
"""Every check, in the order of the report."""

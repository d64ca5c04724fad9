"""Which truth values of a batch are masks; shared by the checks of masks and of padding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_probe.record import MaskRecord

_NAMED = re.compile(r"mask|valid|pad(ding|ded)?(_|$)|missing|visib|present|observed|occluded|ignore", re.IGNORECASE)
_OTHERWISE = re.compile(r"done|terminal|truncat|first|last|success|reset|label|target|class", re.IGNORECASE)
_POSITIONS = 2
"""Dimensions: one truth value for each position, not for each sample."""


def named(mask: MaskRecord) -> bool:
    """Whether it is called a mask, or something that is one."""
    return bool(_NAMED.search(mask.part))


def for_positions(mask: MaskRecord) -> bool:
    """Whether it has a truth value for each position, and is not called an end of an episode, or a label."""
    return mask.dimensions >= _POSITIONS and not _OTHERWISE.search(mask.part)

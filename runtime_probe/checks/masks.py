"""Which truth values of a batch are masks; shared by the checks of masks and of padding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_probe.record import MaskRecord

_OTHERWISE = re.compile(r"done|terminal|truncat|first|last|success|reset|label|target|class", re.IGNORECASE)
_THERE = re.compile(
    r"(?<!in)(?<!not_)valid|visib|present|observed|unpadded|(non|not)_?pad|attention_mask", re.IGNORECASE
)
_FILLED = re.compile(
    r"(?<!un)(?<!non)(?<!non_)(?<!not_)pad(ding|ded)?(?![a-z])|missing|invalid|occluded|not_valid", re.IGNORECASE
)
_EITHER = re.compile(r"mask|ignore", re.IGNORECASE)
POSITIONS = 2
"""Dimensions of a mask with a value for each position, not only for each sample."""


def named(mask: MaskRecord) -> bool:
    """Whether it is called a mask, or something that is one."""
    return any(words.search(mask.part) for words in (_THERE, _FILLED, _EITHER))


def says(mask: MaskRecord) -> bool | None:
    """What its name says that it marks: True for what is there, False for what is filled up; None for neither."""
    text = f"{mask.part} {mask.variable}"
    there, filled = bool(_THERE.search(text)), bool(_FILLED.search(text))
    return None if there is filled else there


def weighs_samples(mask: MaskRecord) -> bool:
    """Whether it holds a 0 or 1 for each sample that is no class, and the script has a name for it."""
    known = mask.variable and not mask.variable.startswith("_")
    each = mask.dimensions < POSITIONS and not mask.boolean
    return bool(known) and each and not any(_OTHERWISE.search(name) for name in (mask.part, mask.variable))


def may_be_one(mask: MaskRecord) -> bool:
    """Whether it holds truth values, or 0 and 1 for each position, and is not called an end of episodes, or a label."""
    return (mask.boolean or mask.dimensions >= POSITIONS) and not _OTHERWISE.search(mask.part)

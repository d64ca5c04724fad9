"""What the messages of the peers say, in the names that the checks of this probe have.

Generous to the peer: a message that names several things names each of these causes, and so does the remedy that it
gives. Whoever only says that something is odd (weight decay on a bias; a batch that could be larger) names no cause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TORCH = (
    # Said by torch or Python itself, so said in all columns.
    (r"does not require grad and does not have a grad_fn", "loss-detached everything-frozen"),
    (r"object has no attribute 'backward'", "loss-detached"),
    (r"Using a target size .* that is different to the input size", "loss-broadcasts"),
    (r"returned nan values in its", "nan-or-inf"),
    (r"found invalid values", "nan-or-inf"),
    (r"\b(nan|inf)\b.*loss|loss.*\b(is|was) (nan|inf|NaN|not finite)", "nan-or-inf"),
    (r"all elements of (input|target) should be between 0 and 1", "nan-or-inf"),
    (r"optimizer got an empty parameter list", "parameters-not-in-optimizer everything-frozen"),
    (r"No inf checks were recorded", "fp16-gradients-not-unscaled parameters-without-gradient"),
    (r"optimizer contains a parameter group with duplicate|some parameters appear in more", "parameters-held-twice"),
)

_TORCH_AUDIT = (
    (r"^TA100 ", "nan-or-inf"),
    # Its remedies are another learning rate and clipping.
    (r"^TA102 ", "exploding-gradients learning-rate-too-high gradients-not-clipped"),
    (r"^TA103 ", "parameters-without-gradient vanishing-gradients"),
    (r"^TA104 ", "loss-detached everything-frozen parameters-without-gradient"),
    # A lower learning rate is among its remedies.
    (r"^TA105 ", "parameters-without-gradient learning-rate-too-high"),
    (r"^TA301 ", "inputs-not-normalized input-scales-differ"),
    (r"^TA302 ", "inputs-constant"),
    # It blames the initialization.
    (r"^TA405 ", "parameters-without-gradient"),
    (r"^TA500 ", "parameters-without-gradient"),
    # Weight decay on biases, norms and embeddings, or in Adam: not that there is too much of it.
    (r"^TA(304|305|303|300|400|401|402|403|404|501) ", ""),
)

_NOT_HELD = "parameters-not-in-optimizer everything-frozen"

_TORCHDIAG = (
    (r"ALL parameters are frozen", "everything-frozen loss-detached"),
    (r"gradient is None", "parameters-without-gradient loss-detached"),
    (r"None gradients:", "parameters-without-gradient loss-detached"),
    (r"exploding", "exploding-gradients gradients-not-clipped"),
    (r"vanishing", "vanishing-gradients parameters-without-gradient"),
    # It blames the learning rate, the initialization or shifted inputs.
    (r"% neurons dead", "parameters-without-gradient learning-rate-too-high inputs-not-normalized"),
    (r"not finite", "nan-or-inf"),
    (r"No parameters changed", f"parameters-not-moving learning-rate-too-low {_NOT_HELD}"),
)

_TRAINTOOLS = (
    (r"(inputs|targets)\S* has non-finite values", "data-not-finite nan-or-inf"),
    (r"inputs\S* abs max", "inputs-not-normalized input-scales-differ"),
    (r"targets\S* abs max", "targets-not-normalized target-scales-differ"),
    (r"inputs\S* is nearly constant", "inputs-constant"),
    (r"targets\S* is nearly constant", "targets-constant"),
    (r"dominant class covers", "targets-constant"),
    (r"has non-finite gradients", "nan-or-inf fp16-overflow"),
    (r"gradient appears vanished", "vanishing-gradients parameters-without-gradient"),
    (r"gradient is very large", "exploding-gradients gradients-not-clipped"),
    (r"update/weight ratio is high", "learning-rate-too-high exploding-gradients"),
    (r"update/weight ratio is tiny", "learning-rate-too-low vanishing-gradients parameters-not-moving"),
    (r"no gradients found", "loss-detached everything-frozen parameters-without-gradient"),
    (r"DORMANT|dormant", "parameters-without-gradient inputs-ignored"),
    (r"rank-collapsed|low-rank", "inputs-ignored"),
)

_LIGHTNING = ((r"does not fall on the batches that it repeats", "loss-not-decreasing"),)

TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "none": (),
    "torch-anomaly": (),
    "torch-audit": _TORCH_AUDIT,
    "torchdiag": _TORCHDIAG,
    "traintools": _TRAINTOOLS,
    "lightning-anomaly": _LIGHTNING,
    "lightning-overfit": _LIGHTNING,
}

_HINTS = {
    "torch-audit": r"^TA20[0-3] ",
    "lightning-anomaly": r".",
    "lightning-overfit": r".",
}
"""Hints for speed and the like, which fire on anything: neither found nor false alarms. `.`: those without a cause."""


@dataclass(frozen=True, slots=True)
class Said:
    """One kind of thing that a peer said."""

    kind: str
    causes: tuple[str, ...]
    level: str
    """`error`, `warn`, or `info` for what the peer itself does not call a problem."""
    message: str


def named(peer: str, message: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the kind of a message and the causes that it names, or None for what is no finding."""
    for pattern, causes in (*TABLES[peer], *_TORCH):
        if re.search(pattern, message):
            return pattern, tuple(causes.split())
    hint = _HINTS.get(peer)
    if hint is not None and re.search(hint, message):
        return None
    return re.sub(r"[\d.e+-]+", "#", message)[:60], ()


def ranked(peer: str, messages: list[dict[str, str]]) -> list[Said]:
    """Return the kinds of findings, best first: what stopped the program, errors, warnings, remarks; each in time.

    Of one level, what names a cause goes before what names none. torch's warnings count only where they name a cause;
    what ended the program counts always.
    """
    found: dict[str, Said] = {}
    for item in messages:
        if item["level"] == "trouble":
            continue
        known = named(peer, item["message"])
        stopped = item["level"] == "stopped"
        if known is None and stopped:
            known = (item["message"][:60], ())
        if known is None or (item["level"] == "torch" and not known[1]):
            continue
        level = {"stopped": "error", "torch": "warn"}.get(item["level"], item["level"])
        before = found.get(known[0])
        if before is None or (before.level == "info" and level != "info"):
            found[known[0]] = Said(*known, level, item["message"])
    order = {"error": 0, "warn": 1, "info": 2}
    ended = {item["message"] for item in messages if item["level"] == "stopped"}
    return sorted(found.values(), key=lambda said: (said.message not in ended, order[said.level], not said.causes))

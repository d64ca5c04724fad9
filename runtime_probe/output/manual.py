"""The page of the manual on verdicts: the list of checks and of the JSON report, from what they say of themselves."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runtime_probe.checks import ALL
from runtime_probe.checks.base import STEPS

if TYPE_CHECKING:
    from runtime_probe.checks import Check

_HEAD = """\
# The probe's checklist

Written by `docs/generate.py` from the checks themselves.

Each line of the report is **pass**, **warn**, **fail** or **not exercised** (the run gave no occasion to ask, and the
report says why). The exit status is 0 when no check failed (warnings allowed), 1 when one did, and 2 when nothing
could be judged: no backward pass was seen, or the script crashed before its steps.

Thresholds stand in one file, `runtime_probe/thresholds.py`, each with its source: a sentence of the text that the
checklist comes from, a paper, or a measurement on healthy and broken runs.
"""

_TAIL = """\
## Loss families

The family is detected, with the evidence for it: supervised, flow, diffusion, reinforcement learning, adversarial,
language model, variational autoencoder, or unknown. Losses of reinforcement learning and of adversarial training do
not measure progress: their course is reported and never fails a check; what is asked of gradients, of parameters and
of NaN stays the same.

## Findings of the linter

The report lists what `convdiag-lint` says of the files that ran, each *confirmed* by the run, *refuted* by it, or *not
exercised*: CVG101 and CVG102 by the clips and norms between backward and step, CVG103 by the gradients that were still
there, CVG201 by the tests that were made of the loss, CVG203 and CVG204 by autocast and the loss scale, CVG301 by the
numbers at the first layer, CVG401 by the flow times that reach the model when draws are forced to their ends. What is
saved and loaded (CVG302, CVG303) is beyond ten steps.

## Several processes

Under `torchrun` each rank is judged, and the checklist is one: the worst verdict counts, and a rank that stands alone
with it is named.

## JSON

`--json FILE` writes one object. NaN and infinity are the strings `"nan"`, `"inf"` and `"-inf"`.

| key | |
|---|---|
| `version` | of convdiag |
| `exit_status`, `verdict` | 0 `healthy`, 1 `failed`, 2 `not judged` |
| `reason` | why nothing could be judged, or empty |
| `next_action` | the one thing to do next |
| `family` | `name`, `evidence` (sentences), `measures_progress`, `question` |
| `ranks` | processes that were merged |
| `notes` | what to know when reading the rest, such as a batch that could not be cut |
| `results` | list of `step` (1 to 7), `check`, `title`, `status`, `message`, `where` (`path`, `line`, `function`), \
`remedy`, `numbers` (what the verdict rests on; keys differ from check to check) |
| `findings` | list of `code`, `name`, `path`, `line`, `message`, `verdict`, `reason`, `numbers` |
| `record` | all that was observed in the described process: `runtime_probe/record/` says what each field means |

Checks and keys may be added; those that are here keep their names and their meaning.

## HTML

`--html FILE` writes the same as one page for a browser: no network, no JavaScript. What the script or its data
are called stands in it as text, never as markup. Values that are NaN or infinite are gaps in a curve, with a
cross at its upper edge. Of a tensor the first 64 dimensions are drawn, of a large model at most 80 parameters,
those with the smallest and largest gradient norms among them. "Gain" in the legend of a curve is the median
over the steps of the decrease of the loss over what the gradient predicts.
"""


def page() -> str:
    """Return the text of docs/probe.md."""
    parts = [_HEAD]
    for step, title in STEPS.items():
        parts.append(f"## {step} {title}\n")
        parts += [_entry(check) for check in ALL if check.step == step]
    return "\n".join([*parts, _TAIL])


def _entry(check: Check) -> str:
    lines = [f"### {check.id}", "", f"{check.title}.", "", textwrap.fill(check.why, 112, break_on_hyphens=False)]
    if check.seed:
        lines += [
            "",
            textwrap.fill(check.seed, 110, initial_indent="> ", subsequent_indent="> ", break_on_hyphens=False),
        ]
    return "\n".join([*lines, ""])

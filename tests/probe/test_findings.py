from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from building import falling, healthy, loss, series
from helpers import HEALTHY, SMELLY, STEP_LINE

from runtime_probe.findings import judge
from runtime_probe.record import ClipRecord, Features, LossRecord, Record, Where
from runtime_probe.report import judge as report

if TYPE_CHECKING:
    from pathlib import Path

STEP = STEP_LINE


def ran(project: Path, text: str, **changes: Any) -> Record:
    """A record of `train.py` with this text, stepping in its last line."""
    path = project / "train.py"
    path.write_text(text)
    line = text.count("\n")
    where = Where(str(path), line, "train")
    back = LossRecord(2.0, 1.0, Where(str(path), line - 1, "train"))
    steps = [
        dataclasses.replace(s, where=where, losses=[dataclasses.replace(back, value=s.loss)]) for s in series(falling())
    ]
    record = healthy(folder=str(project), files=[str(path)], steps=steps)
    record.optimizers[0].where = where
    for key, value in changes.items():
        for step in record.steps:
            setattr(step, key, value)
    return record


def verdicts(record: Record) -> dict[str, tuple[str, str]]:
    return {item.code: (item.verdict, item.reason) for item in judge(record, report([record]).results)}


def test_nothing_clipped_is_confirmed_with_the_norm(project: Path) -> None:
    verdict, reason = verdicts(ran(project, SMELLY, grad_norm=48.0, applied_norm=48.0))["CVG101"]
    assert (verdict, reason) == ("confirmed", "the gradient norm reached 48 and nothing clipped it")
    verdict, reason = verdicts(ran(project, SMELLY))["CVG101"]
    assert verdict == "confirmed"
    assert "0.5 or below" in reason


def test_clipping_by_value_refutes(project: Path) -> None:
    # The linter did not see it; the gradients that were used are shorter than those that came.
    assert verdicts(ran(project, SMELLY, grad_norm=48.0, applied_norm=1.0))["CVG101"][0] == "refuted"
    clip = ClipRecord("clip_grad_norm_", 1.0, 0.5, scaled=False, covers=1.0, where=Where())
    assert verdicts(ran(project, SMELLY, clips=[clip]))["CVG101"][0] == "refuted"


def test_a_place_that_did_not_run(project: Path) -> None:
    record = ran(project, SMELLY)
    other = project / "other.py"
    other.write_text(SMELLY)
    record.files = [str(other)]
    assert verdicts(record)["CVG101"][0] == "not exercised"


def test_gradients_not_cleared(project: Path) -> None:
    text = HEALTHY.replace("        optimizer.zero_grad()\n", "")
    assert verdicts(ran(project, text, cleared=False))["CVG103"][0] == "confirmed"
    assert verdicts(ran(project, text, cleared=True))["CVG103"][0] == "refuted"


def test_unchecked_loss(project: Path) -> None:
    text = HEALTHY.replace("        assert torch.isfinite(loss)\n", "")
    assert verdicts(ran(project, text))["CVG201"][0] == "confirmed"
    record = ran(project, text)
    record.features = Features(finite_checks=[Where(str(project / "helper.py"), 3)])
    assert verdicts(record)["CVG201"][0] == "refuted"


FLOW = """\
import torch
import torch.nn.functional as F


def loss(model, action):
    noise = torch.randn_like(action)
    t = torch.rand(len(action), 1)
    x_t = (1 - t) * noise + t * action
    return F.mse_loss(model(x_t, t), action - noise)


def train(model, loader, optimizer):
    for action in loader:
        optimizer.zero_grad()
        value = loss(model, action)
        assert torch.isfinite(value)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.0, 1.0, "confirmed"), (1e-3, 0.999, "refuted"), (None, None, "not exercised")]
)
def test_flow_time(project: Path, low: float | None, high: float | None, verdict: str) -> None:
    record = ran(project, FLOW)
    record.experiments.time_minimum, record.experiments.time_maximum = low, high
    assert verdicts(record)["CVG401"][0] == verdict


HALF = """\
import torch


def train(model, loader, criterion, optimizer):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.float16):
            loss = criterion(model(x), y)
        assert torch.isfinite(loss)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""


def test_float16(project: Path) -> None:
    assert verdicts(ran(project, HALF))["CVG203"][0] == "not exercised"
    record = ran(project, HALF)
    record.features.autocast = "float16"
    found = verdicts(record)
    assert found["CVG203"][0] == "confirmed"
    assert found["CVG204"][0] == "confirmed"
    record = ran(project, HALF, losses=[loss(2.0, scaled_by=65536.0)], scale=65536.0)
    record.features.autocast = "float16"
    for step in record.steps:
        step.losses[0].where = Where(str(project / "train.py"), 10, "train")
    assert verdicts(record)["CVG203"][0] == "refuted"


def test_files_that_cannot_be_read_are_no_trouble(project: Path) -> None:
    record = ran(project, SMELLY)
    broken = project / "broken.py"
    broken.write_text("def (:\n")
    record.files += [str(broken), str(project / "gone.py"), "/usr/lib/python3/site-packages/x.py"]
    assert set(verdicts(record)) == {"CVG101"}

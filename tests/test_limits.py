"""Code that would take time exponential in its length, were it followed to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.analysis import Analyser
from convdiag_lint.project.files import ProjectFiles

if TYPE_CHECKING:
    from pathlib import Path

BRANCH = """\
    if options[{0}]:
        model = model.with_part({0})
    elif options[-{0}]:
        model = model.with_other_part({0})
    else:
        model = model.without_part({0})
"""
CHAIN = """\
import torch

def train(data, options):
    model = torch.nn.Linear(1, 1) if options else torch.nn.Linear(2, 1)
{branches}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in data:
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
"""


def test_a_model_built_through_many_branches_is_analysed(tmp_path: Path) -> None:
    branches = "".join(BRANCH.format(number) for number in range(40))
    (tmp_path / "train.py").write_text(CHAIN.format(branches=branches))
    (tmp_path / ".git").mkdir()
    codes = {finding.code for finding in Analyser(ProjectFiles(tmp_path)).findings("train.py")}
    assert "CVG101" in codes

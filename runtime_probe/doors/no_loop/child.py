"""Runs in a process of its own, with the tap and the guard inside: imports the file, trains on a made-up batch.

The file is imported as a script's neighbour would be; what it does at import it does here.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from runtime_probe.doors import loop
from runtime_probe.doors.no_loop import building, making
from runtime_probe.doors.no_loop.plan import DoorError, Plan, from_json
from runtime_probe.doors.smoke import paused
from runtime_probe.record import Crash
from runtime_probe.tap import install

if TYPE_CHECKING:
    from types import ModuleType

    from runtime_probe.tap.session import Session


def main(text: str) -> None:
    """Build, shape and train what a plan names."""
    plan = from_json(text)
    if not install.installed:
        raise SystemExit("this is a part of convdiag-probe --model")
    session = install.installed[0]
    session.record.argv = sys.argv = [plan.path]
    try:
        _train(plan, session)
    except DoorError as error:
        # Not the file's fault, and its traceback tells nothing.
        session.record.crash = Crash(DoorError.__name__, str(error), "")
        session.record.status = "crashed"


def _train(plan: Plan, session: Session) -> None:
    with paused(session):
        torch.manual_seed(0)
        module = load(Path(plan.path))
        model, sizes, notes = building.build(module, plan.model)
        model.train()
        loss = making.find_loss(plan, module, load)
        batch, loss_of, more = making.make(plan, model, loss, sizes)
        optimizer = _optimizer(plan, model)
    session.record.notes += [*plan.notes, *notes, *more]
    session.record.batch.made_up = not plan.batch
    session.modules = [model, *([loss] if isinstance(loss, nn.Module) else [])]
    loop.drive(session, loss_of, batch, optimizer)


def load(path: Path) -> ModuleType:
    """Import a file, as a module of its package where it lies in one."""
    path = path.resolve()
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    # Its folder as for a script, the root of its package, and where the command was given.
    sys.path[:0] = [p for p in dict.fromkeys((str(path.parent), str(root), str(Path.cwd()))) if p not in sys.path]
    name = ".".join(parts)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if len(parts) > 1:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _optimizer(plan: Plan, model: nn.Module) -> torch.optim.Optimizer:
    cls: Any = getattr(torch.optim, plan.optimizer, torch.optim.AdamW)
    known = inspect.signature(cls).parameters
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise DoorError(f"{plan.model} has no parameter that is trained")
    made: torch.optim.Optimizer = cls(parameters, **{k: v for k, v in plan.options.items() if k in known})
    return made


if __name__ == "__main__":
    # The folder of this file is not a place where the user's imports should look.
    sys.path.pop(0)
    main(sys.argv[1])

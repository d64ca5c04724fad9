"""`smoke_test`: the probe for people who have the objects."""

from __future__ import annotations

import contextlib
import inspect
import random
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from runtime_probe import report as reports
from runtime_probe.doors import keeping, loop
from runtime_probe.doors.objective import Objective, understand
from runtime_probe.options import Options
from runtime_probe.tap import ending, install, places, randomness
from runtime_probe.tap.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime_probe.report import Report

RATE = 1e-3
"""Learning rate of the AdamW that is used when no optimizer is given."""


def smoke_test(  # noqa: PLR0913 - each has a name at the call
    model: nn.Module,
    loss_fn: Callable[..., Any],
    batch: Any,
    *,
    optimizer: torch.optim.Optimizer | Callable[[Any], torch.optim.Optimizer] | None = None,
    steps: int = 10,
    batch_size: int = 4,
    seed: int | None = 0,
) -> Report:
    """Train for a few steps on a few samples of one batch, in this process, and judge what was seen.

    Afterwards everything is as it was: parameters, buffers, gradients, train mode and attributes of the
    model, the state of the optimizer, the state of every random generator, and torch itself.

    Args:
        model: Put into train mode as a whole if it is not; parts in eval mode stay so.
        loss_fn: `loss_fn(model, batch)`, `loss_fn(model, *batch)` for more parameters than two, or
            `loss_fn(output, target)` when it is a loss of torch or its parameters are called so. It gives a
            tensor of one element, or a tuple, dictionary or object that holds it as `loss`.
        batch: What `loss_fn` expects, on the device of the model, samples along dimension 0; for
            `loss_fn(output, target)` it is (input, target). Of a DataLoader the first batch is taken.
        optimizer: Used with a copy of its state; a function makes one from the parameters; AdamW with a
            learning rate of 1e-3 otherwise.
        steps: On the same samples with the same random draws.
        batch_size: Samples that are taken of the batch.
        seed: Of the random draws; None leaves the generators where they are.

    Returns:
        The report: `.status` is `healthy`, `failed` or `not judged`, `str()` is for people.

    Raises:
        ObjectiveError: `loss_fn` cannot be called in one of these ways, or gives no loss.
        Exception: whatever the model or `loss_fn` raises before anything was learned.
    """
    given = optimizer if isinstance(optimizer, torch.optim.Optimizer) else None
    modules = keeping.reachable(model, loss_fn)
    with contextlib.ExitStack() as afterwards:
        # What is taken back last is entered first.
        afterwards.callback(randomness.Randomness().put_back)
        afterwards.callback(keeping.Kept(modules, given).put_back)
        session = _session(Options(steps=steps, batch_size=batch_size), modules)
        afterwards.callback(session.close)
        for outer in install.installed:
            afterwards.enter_context(paused(outer))
        install.hook(session)
        keeping.notice_generators(modules, loss_fn)
        # Once more: the generators that the objects hold are known only now.
        afterwards.callback(randomness.Randomness().put_back)
        afterwards.enter_context(torch.inference_mode(mode=False))
        afterwards.enter_context(torch.enable_grad())
        afterwards.enter_context(_eager())
        if seed is not None:
            _seed(seed)
        if isinstance(batch, DataLoader):
            batch = next(iter(batch))
        if not model.training:
            model.train()
        objective = understand(model, loss_fn, batch)
        if optimizer is None:
            session.record.notes.append(f"no optimizer was given: AdamW with a learning rate of {RATE:g}")
        _run(session, objective, batch, given or _made(optimizer, modules))
    session.record.files = _files(model, loss_fn)
    return reports.judge([session.record])


@contextlib.contextmanager
def paused(session: Session) -> Iterator[None]:
    """Let a session look away: what happens now is not the training that it is there for."""
    active, session.active = session.active, False
    try:
        yield
    finally:
        session.active = active


def _session(options: Options, modules: list[nn.Module]) -> Session:
    record = install.new_record(options)
    session = Session(options, record, lambda status: ending.conclude(session, status))
    session.modules = modules
    return session


def _run(session: Session, objective: Objective, batch: Any, optimizer: torch.optim.Optimizer) -> None:
    # Entered here, the watching mode lies outside those that the model enters.
    session.watch.start()
    try:
        loop.drive(session, objective, batch, optimizer)
    except Exception as error:
        if not session.record.backwards:
            raise
        ending.note_crash(session, error)
    if session.active:
        session.active = False
        ending.describe(session, "ended")


def _made(optimizer: Any, modules: list[nn.Module]) -> torch.optim.Optimizer:
    parameters = {id(p): p for p in modules[0].parameters() if p.requires_grad}
    if not parameters:
        raise ValueError(f"{type(modules[0]).__name__} has no parameter that is trained (requires_grad)")
    if optimizer is not None:
        made: torch.optim.Optimizer = optimizer(list(parameters.values()))
        return made
    return torch.optim.AdamW(list(parameters.values()), lr=RATE)


def _eager() -> Any:
    """Let compiled models run as they are written: graphs would hide modules and losses."""
    set_stance = getattr(torch.compiler, "set_stance", None)
    if set_stance is None or "torch._dynamo" not in sys.modules:
        return contextlib.nullcontext()
    return set_stance("force_eager")


def _seed(seed: int) -> None:
    # torch.manual_seed would leave its mark on devices that are not in use yet.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


def _files(*items: Any) -> list[str]:
    """The user's files in which the objects are defined: the linter reads those."""
    found = []
    for item in items:
        try:
            path = inspect.getsourcefile(item if inspect.isroutine(item) else type(item))
        except TypeError:
            continue
        if path and places.is_user(path):
            found.append(path)
    return list(dict.fromkeys(found))

"""Puts all hooks into torch, once it is imported."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from runtime_probe.record import Record
from runtime_probe.tap import clipping, environments, features, randomness, scaling
from runtime_probe.tap.ending import Ending
from runtime_probe.tap.places import here
from runtime_probe.tap.session import Session

if TYPE_CHECKING:
    from runtime_probe.options import Options


def install(options: Options) -> Session:
    """Install the tap; everything below reports to the session that is returned."""
    record = Record(
        pid=os.getpid(),
        rank=int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) or 0),
        world_size=int(os.environ.get("WORLD_SIZE", "1") or 1),
        argv=list(sys.argv),
        folder=os.getcwd(),
        torch=torch.__version__,
        wanted_steps=options.steps,
        wanted_batch=options.batch_size,
    )
    ending = Ending()
    session = Session(options, record, ending.finish)
    ending.install(session)
    # Compiled graphs would hide modules, losses and draws, and take longer to compile than to run.
    os.environ["TORCHDYNAMO_DISABLE"] = os.environ["TORCH_COMPILE_DISABLE"] = "1"
    randomness.install()
    scaling.install(session)
    clipping.install(session)
    features.count_distributions(session)
    features.watch_math(session)
    environments.install(session)
    session.feed.install()
    session.calls.install()
    _backward(session)
    _steps(session)
    _clears(session)
    return session


def _backward(session: Session) -> None:
    original = torch.autograd.backward

    @functools.wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        if not session.active:
            original(tensors, *args, **kwargs)
            return
        loss = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors), None)
        session.around_backward(loss, lambda: original(tensors, *args, **kwargs))

    torch.autograd.backward = backward


def _steps(session: Session) -> None:
    def before(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if session.active:
            session.before_step(optimizer)

    def after(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if session.active:
            session.after_step(optimizer)

    register_optimizer_step_pre_hook(before)
    register_optimizer_step_post_hook(after)


def _clears(session: Session) -> None:
    for owner in (torch.optim.Optimizer, torch.nn.Module):
        original = owner.zero_grad

        def zero_grad(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> None:
            _original(self, *args, **kwargs)
            if session.active:
                session.on_clear(here(2))

        owner.zero_grad = functools.wraps(original)(zero_grad)

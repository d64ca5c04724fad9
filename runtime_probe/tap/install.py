"""Puts all hooks into torch, once it is imported."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from runtime_probe.launch.after_import import when_imported
from runtime_probe.record import Record
from runtime_probe.tap import clipping, distributions, environments, finite, randomness, scaling
from runtime_probe.tap.ending import Ending
from runtime_probe.tap.places import here
from runtime_probe.tap.session import Session

if TYPE_CHECKING:
    from runtime_probe.options import Options


_LOOKS = 8
"""Parameters at whose making environments are looked for."""

installed: list[Session] = []
"""The session of the script that runs in this process, if a probe launched it."""


def install(options: Options) -> Session:
    """Install the tap for the rest of the process; everything below reports to the session that is returned."""
    ending = Ending()
    session = Session(options, new_record(options), ending.finish)
    ending.install(session)
    # Compiled graphs would hide modules, losses and draws, and take longer to compile than to run.
    os.environ["TORCHDYNAMO_DISABLE"] = os.environ["TORCH_COMPILE_DISABLE"] = "1"
    hook(session)
    environments.install(session)
    installed.append(session)
    return session


def new_record(options: Options) -> Record:
    """Return an empty record of this process."""
    return Record(
        pid=os.getpid(),
        rank=int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) or 0),
        world_size=int(os.environ.get("WORLD_SIZE", "1") or 1),
        argv=list(sys.argv),
        folder=os.getcwd(),
        torch=torch.__version__,
        wanted_steps=options.steps,
        wanted_batch=options.batch_size,
    )


def hook(session: Session) -> None:
    """Let torch report to a session; `session.close` undoes it."""
    randomness.install(session.patches)
    scaling.install(session)
    clipping.install(session)
    distributions.count(session)
    finite.watch(session)
    session.schedules.install()
    session.feed.install()
    session.calls.install()
    _backward(session)
    _steps(session)
    _makes(session)
    _clears(session)
    _loads(session)


def _backward(session: Session) -> None:
    original = torch.autograd.backward

    @functools.wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        if not session.active:
            original(tensors, *args, **kwargs)
            return
        loss = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors), None)
        session.around_backward(loss, lambda: original(tensors, *args, **kwargs))

    session.patches.replace(torch.autograd, "backward", backward)


def _steps(session: Session) -> None:
    def before(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        if not session.active:
            return None
        session.before_step(optimizer)
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):
            session.before_update(optimizer)
            return None
        if session.change is None:
            return None

        def watched() -> Any:
            loss = closure()
            session.before_update(optimizer)
            return loss

        return ((args[0], watched, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": watched})

    def after(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if session.active:
            session.after_step(optimizer)

    session.patches.afterwards(register_optimizer_step_pre_hook(before).remove)
    session.patches.afterwards(register_optimizer_step_post_hook(after).remove)


def _makes(session: Session) -> None:
    """Environments of the script's own are there when a model is made for them, and step before it is called."""
    left = iter(range(_LOOKS))

    def made(module: torch.nn.Module, name: str, parameter: Any) -> None:
        if session.active and next(left, None) is not None:
            with session.looking("looking for environments"):
                environments.find(session, at_hand=False)

    session.patches.afterwards(register_module_parameter_registration_hook(made).remove)


def _clears(session: Session) -> None:
    for owner in (torch.optim.Optimizer, torch.nn.Module):
        original = owner.zero_grad

        def zero_grad(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> None:
            if session.active:
                session.before_clear()
            _original(self, *args, **kwargs)
            if session.active:
                session.on_clear(here(2))

        session.patches.replace(owner, "zero_grad", functools.wraps(original)(zero_grad))


def _loads(session: Session) -> None:
    """Count what reads weights: frozen ones that were never read are random."""

    def counting(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def counted(*args: Any, **kwargs: Any) -> Any:
            session.record.features.loads += 1
            return original(*args, **kwargs)

        session.patches.replace(owner, name, counted)

    counting(torch, "load")
    counting(torch.nn.Module, "load_state_dict")
    for module, name in (("safetensors", "safe_open"), ("safetensors.torch", "load_file")):
        when_imported(module, functools.partial(counting, name=name))

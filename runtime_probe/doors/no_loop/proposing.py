"""From `--model policy.py:SmallPolicy --loss policy.py:bc_loss` to a plan; what is not named is proposed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runtime_probe.doors import words
from runtime_probe.doors.no_loop.plan import DoorError, Plan
from runtime_probe.doors.no_loop.reading import Loss, Outline, read
from runtime_probe.report import NOT_JUDGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_probe.report import Report

CHILD = Path(__file__).with_name("child.py")


def command(model: str, loss: str, batch: str, batch_size: int) -> list[str]:
    """Return the words of the command that probes a file without a loop.

    Raises DoorError for a file or a name that is not there, and where more than one would do.
    """
    return [str(CHILD), propose(model, loss, batch, batch_size).to_json()]


def propose(model: str, loss: str = "", batch: str = "", batch_size: int = 4) -> Plan:
    """Return what is to be probed. `model` and `loss` are `FILE.py` or `FILE.py:NAME`; see `command`."""
    path, name = _split(model or loss, keep_name=bool(model))
    outline = _outline(path)
    plan = Plan(path, name, batch=batch, batch_size=batch_size)
    if not name:
        plan.model = _one(outline.models, path, "module of torch", "--model")
        plan.notes.append(f"model: {plan.model}, the only one in {Path(path).name}")
    if batch and not Path(batch).is_file():
        raise DoorError(f"no such file: {batch}")
    if outline.optimizer:
        plan.optimizer, plan.options = outline.optimizer, outline.options
    shown = ", ".join(f"{key}={value!r}" for key, value in plan.options.items())
    source = f"as in {Path(path).name}" if outline.optimizer else "the probe's own"
    plan.notes.append(f"optimizer: {plan.optimizer}{f'({shown})' if shown else ' with its defaults'}, {source}")
    _choose_loss(plan, outline, loss)
    return plan


def explain(judged: Report, command_line: Sequence[str]) -> None:
    """Say what to do about a run that could not be judged, where this door has to do with it."""
    record = judged.record
    if judged.exit_status != NOT_JUDGED or (record is not None and record.backwards):
        return
    crash = record.crash if record is not None else None
    if crash is not None and crash.type == DoorError.__name__:
        judged.reason = crash.message
    elif crash is None:
        judged.reason += _hint(command_line)


def _hint(command_line: Sequence[str]) -> str:
    """How the model of a script that ended without training could be probed; empty where it has none."""
    script = next((word for word in command_line if word.endswith(".py")), "")
    try:
        outline = read(Path(script)) if script else None
    except (OSError, SyntaxError, ValueError):
        return ""
    if outline is None or not outline.models:
        return ""
    model = f"{script}:{outline.models[0]}"
    losses = _best(outline.losses)
    more = f" --loss {script}:{losses[0].name}" if len(losses) == 1 else ""
    return f"; to probe the model that it defines: convdiag-probe --model {model}{more}"


def _choose_loss(plan: Plan, outline: Outline, named: str) -> None:
    if named and not named.endswith(".py"):
        path, name = _split(named, keep_name=True) if ".py" in named else ("", named)
        plan.loss_path, plan.loss = path, name
        if path:
            _describe(plan, outline if path == plan.path else _outline(path), name)
        return
    file = named or plan.path
    offered = outline if file == plan.path else _outline(file)
    losses = _best(offered.losses)
    methods = outline.methods.get(plan.model, [])
    if len(losses) > 1:
        raise DoorError(
            f"{file} has several losses: name one with --loss {' or '.join(f'{file}:{loss.name}' for loss in losses)}"
        )
    if losses or methods:
        chosen = (losses or methods)[0]
        plan.loss_path = file if losses else plan.path
        plan.loss = chosen.name
        _take(plan, chosen)
        plan.notes.append(f"loss: {chosen.name}, proposed by reading {Path(plan.loss_path).name}")
    elif plan.model in outline.gives_loss:
        plan.notes.append(f"loss: what {plan.model} gives when it is called with its targets")
    else:
        plan.loss = offered.criteria[0] if offered.criteria else "mse_loss"
        why = f"called in {Path(file).name}" if offered.criteria else "for want of any other"
        plan.notes.append(f"loss: {plan.loss} of the output and a target, {why}")
        plan.criteria = [plan.loss]


def _describe(plan: Plan, outline: Outline, name: str) -> None:
    known = [*outline.functions, *(m for methods in outline.methods.values() for m in methods)]
    found = next((loss for loss in known if loss.name == name), None)
    if found is not None:
        _take(plan, found)
    else:
        plan.criteria = outline.criteria


def _take(plan: Plan, loss: Loss) -> None:
    plan.layout, plan.parts, plan.criteria = loss.layout, loss.parts, loss.criteria


def _best(losses: list[Loss]) -> list[Loss]:
    """Losses that take the model come before those that take its output: they are the whole of it."""
    whole = [loss for loss in losses if loss.parameters and words.is_model(loss.parameters[0])]
    return whole or losses


def _split(spec: str, *, keep_name: bool) -> tuple[str, str]:
    path, _, name = spec.partition(":")
    if not path.endswith(".py"):
        raise DoorError(f"{spec!r} names no file: write FILE.py or FILE.py:NAME")
    return path, name if keep_name else ""


def _outline(path: str) -> Outline:
    try:
        return read(Path(path))
    except OSError as error:
        raise DoorError(f"{path} cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise DoorError(f"{path} is no Python file: {error}") from None


def _one(found: list[str], path: str, what: str, option: str) -> str:
    if not found:
        raise DoorError(f"{path} defines no {what}: name what to probe with {option} FILE.py:NAME")
    if len(found) > 1:
        names = " or ".join(f"{path}:{name}" for name in found)
        raise DoorError(f"{path} defines several: name one with {option} {names}")
    return found[0]

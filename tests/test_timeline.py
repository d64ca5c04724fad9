"""What happens in a training step, in order, as read from source."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from convdiag_lint.events import Event, EventKind, Guard, Place, Timeline
from convdiag_lint.project.files import ProjectFiles
from convdiag_lint.project.program import Program

if TYPE_CHECKING:
    from pathlib import Path

CLEAR, FORWARD, BACKWARD = EventKind.CLEAR, EventKind.FORWARD, EventKind.BACKWARD
UNSCALE, CLIP, STEP, CHECK = EventKind.UNSCALE, EventKind.CLIP, EventKind.STEP, EventKind.CHECK_FINITE
TRAINING = (CLEAR, BACKWARD, UNSCALE, CLIP, STEP, CHECK)
HEAD = """\
import torch
from torch.nn.utils import clip_grad_norm_

"""
LOOP = """\
def train(model, loader):
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        loss = ((model(x) - y) ** 2).mean()
"""


def events(root: Path, scope: str = "train", path: str = "train.py", **files: str) -> list[Event]:
    """The events of one function of a project of these files, in order."""
    for name, source in files.items():
        (root / f"{name}.py").write_text(HEAD + dedent(source), "utf-8")
    program = Program(ProjectFiles(root))
    module = program.modules.require(path)
    function = next(f for f in [*module.functions, module.main] if f.scope == scope)
    return [event for event in program.run(function).events if event.kind in TRAINING]


def body(*lines: str, depth: int = 8) -> str:
    """The loop with these lines after the loss."""
    return LOOP + "".join(f"{' ' * depth}{line}\n" for line in lines)


def kinds(found: list[Event]) -> list[EventKind]:
    return [event.kind for event in found]


def test_a_step_is_told_in_the_order_in_which_it_runs(tmp_path: Path) -> None:
    source = body(
        "optimizer.zero_grad()", "loss.backward()", "clip_grad_norm_(model.parameters(), 1.0)", "optimizer.step()"
    )
    found = events(tmp_path, train=source)
    assert kinds(found) == [CLEAR, BACKWARD, CLIP, STEP]
    lines = [event.place.line for event in found]
    assert lines == list(range(lines[0], lines[0] + 4))
    assert {event.place.path for event in found} == {"train.py"}


def test_places_are_those_of_the_calls(tmp_path: Path) -> None:
    (step,) = events(tmp_path, train=body("optimizer.step(", "    None,", ")"))
    first = (HEAD + LOOP).count("\n") + 1
    assert step.place == Place("train.py", first, 9, first + 2, 10)


def test_what_happens_in_a_loop_shares_the_loop_and_what_does_not_has_none(tmp_path: Path) -> None:
    source = body("loss.backward()", "optimizer.step()") + "    optimizer.zero_grad()\n"
    backward, step, clear = events(tmp_path, train=source)
    assert backward.loops == step.loops
    assert len(backward.loops) == 1
    assert clear.loops == ()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("clip_grad_norm_(model.parameters(), max_norm=0.5)", CLIP),
        ("torch.nn.utils.clip_grad_value_(model.parameters(), 0.5)", CLIP),
        ("model.clip_grad_norm_(1.0)", CLIP),
        ("for p in model.parameters(): p.grad.clamp_(-1, 1)", CLIP),
        ("for p in model.parameters(): p.grad = None", CLEAR),
        ("for p in model.parameters(): p.grad.zero_()", CLEAR),
        ("model.zero_grad()", CLEAR),
        ("optimizer.zero_grad(set_to_none=True)", CLEAR),
        ("assert torch.isfinite(loss)", CHECK),
        ("assert not torch.isnan(loss).any(), 'diverged'", CHECK),
        ("if torch.isnan(loss): raise ValueError", CHECK),
        ("if loss != loss: break", CHECK),
        ("if not torch.isfinite(loss).all(): continue", CHECK),
    ],
)
def test_one_line_is_one_event(line: str, kind: EventKind, tmp_path: Path) -> None:
    assert kinds(events(tmp_path, train=body(line))) == [kind]


@pytest.mark.parametrize(
    "line",
    [
        "clip_grad_norm_(model.parameters(), float('inf'))",
        "for p in model.parameters(): p.data.clamp_(-0.01, 0.01)",
        "loss = loss.clamp(max=10.0)",
        "if torch.isnan(loss): print('nan')",
        "loss = torch.nan_to_num(loss)",
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1); scheduler.step()",
        "env = gym.make('CartPole-v1'); env.step(0)",
    ],
)
def test_what_only_looks_like_an_event_is_none(line: str, tmp_path: Path) -> None:
    assert events(tmp_path, train=body(line)) == []


def test_strict_clipping_tests_the_norm_and_clips(tmp_path: Path) -> None:
    source = body("clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)")
    assert kinds(events(tmp_path, train=source)) == [CHECK, CLIP]


# Through calls -----------------------------------------------------------------------------------


def test_a_helper_of_another_file_runs_where_it_is_called(tmp_path: Path) -> None:
    helper = """\
    def bounded_step(optimizer, parameters):
        clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    """
    source = "from helper import bounded_step\n\n" + body(
        "optimizer.zero_grad()", "loss.backward()", "bounded_step(optimizer, model.parameters())"
    )
    found = events(tmp_path, train=source, helper=helper)
    assert kinds(found) == [CLEAR, BACKWARD, CLIP, STEP]
    assert [event.place.path for event in found] == ["train.py", "train.py", "helper.py", "helper.py"]
    assert [len(event.frames) for event in found] == [1, 1, 2, 2]
    assert found[2].frames == found[3].frames


def test_two_calls_of_one_helper_are_two_frames(tmp_path: Path) -> None:
    source = """\
    def step(optimizer):
        optimizer.step()

    def train(model, loss):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loss.backward()
        step(optimizer)
        step(optimizer)
    """
    _, first, second = events(tmp_path, train=source)
    assert first.place == second.place
    assert first.frames != second.frames


def test_methods_run_through_their_object(tmp_path: Path) -> None:
    source = """\
    class Trainer:
        def __init__(self, model):
            self.model = model
            self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def clip(self):
            clip_grad_norm_(self.model.parameters(), 1.0)

        def update(self, x):
            self.optimizer.zero_grad()
            self.model(x).mean().backward()
            self.clip()
            self.optimizer.step()
    """
    assert kinds(events(tmp_path, "Trainer.update", train=source)) == [CLEAR, BACKWARD, CLIP, STEP]


def test_a_method_that_an_heir_overrides_runs_as_overridden(tmp_path: Path) -> None:
    base = """\
    class Base:
        def after_backward(self):
            pass

        def update(self, loss):
            loss.backward()
            self.after_backward()
    """
    source = """\
    from base import Base

    class Heir(Base):
        def after_backward(self):
            clip_grad_norm_(self.model.parameters(), 1.0)

        def train(self, loss):
            self.update(loss)
    """
    assert kinds(events(tmp_path, "Heir.train", train=source, base=base)) == [BACKWARD, CLIP]


def test_a_closure_runs_before_the_step_that_it_is_given_to(tmp_path: Path) -> None:
    source = """\
    def train(model, x):
        optimizer = torch.optim.LBFGS(model.parameters())

        def closure():
            optimizer.zero_grad()
            loss = model(x).mean()
            loss.backward()
            return loss

        optimizer.step(closure)
    """
    found = events(tmp_path, train=source)
    assert kinds(found) == [CLEAR, BACKWARD, STEP]
    assert found[0].loops
    assert not found[2].loops


def test_a_closure_that_nothing_calls_does_nothing(tmp_path: Path) -> None:
    source = """\
    def train(model, loss):
        def closure():
            loss.backward()

        clip_grad_norm_(model.parameters(), 1.0)
    """
    assert kinds(events(tmp_path, train=source)) == [CLIP]


# Scalers -----------------------------------------------------------------------------------------


def test_a_scaler_scales_unscales_and_steps(tmp_path: Path) -> None:
    source = "scaler = torch.amp.GradScaler('cuda')\n\n" + body(
        "scaler.scale(loss).backward()",
        "scaler.unscale_(optimizer)",
        "clip_grad_norm_(model.parameters(), 1.0)",
        "scaler.step(optimizer)",
        "scaler.update()",
        "optimizer.zero_grad()",
    )
    found = events(tmp_path, train=source)
    assert kinds(found) == [BACKWARD, UNSCALE, CLIP, STEP, CLEAR]
    assert found[3].attributes["scaler"] is not None
    assert found[1].subject is found[3].subject


def test_a_plain_step_has_no_scaler(tmp_path: Path) -> None:
    (step,) = events(tmp_path, train=body("optimizer.step()"))
    assert step.attributes["scaler"] is None


# Conditions --------------------------------------------------------------------------------------


def test_branches_of_one_condition_never_meet(tmp_path: Path) -> None:
    source = body(
        "loss.backward()",
        "if len(x) > 3:",
        "    clip_grad_norm_(model.parameters(), 1.0)",
        "else:",
        "    optimizer.step()",
        "optimizer.zero_grad()",
    )
    backward, clip, step, clear = events(tmp_path, train=source)
    assert not clip.can_meet(step)
    assert not step.can_meet(clip)
    for event in (clip, step):
        assert event.guards
        assert backward.can_meet(event)
        assert clear.can_meet(event)


def test_two_conditions_may_both_hold(tmp_path: Path) -> None:
    source = body(
        "if len(x) > 3:",
        "    loss.backward()",
        "if len(y) > 3:",
        "    optimizer.step()",
    )
    backward, step = events(tmp_path, train=source)
    assert backward.can_meet(step)
    assert backward.guards[0].condition != step.guards[0].condition


@pytest.mark.parametrize("test", ["i % 4 == 0", "self.training"])
def test_what_stands_under_a_condition_is_guarded(test: str, tmp_path: Path) -> None:
    (step,) = events(tmp_path, train=body(f"if {test}:", "    optimizer.step()"))
    assert len(step.guards) == 1


def test_after_an_early_return_the_rest_runs_under_the_other_branch(tmp_path: Path) -> None:
    source = """\
    def train(model, optimizer, loss, dry):
        loss.backward()
        if dry:
            optimizer.zero_grad()
            return
        optimizer.step()
    """
    backward, clear, step = events(tmp_path, train=source)
    assert not clear.can_meet(step)
    assert backward.can_meet(step)


def test_the_module_level_is_a_timeline_too(tmp_path: Path) -> None:
    source = """\
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(4, 2)).mean().backward()
        optimizer.step()
    """
    assert kinds(events(tmp_path, "<module>", train=source)) == [CLEAR, BACKWARD, STEP]


@pytest.mark.parametrize(
    ("ending", "ended"), [("raise ValueError", "raise"), ("break", "break"), ("continue", "continue")]
)
def test_a_finite_test_says_how_it_ends(ending: str, ended: str, tmp_path: Path) -> None:
    (check,) = events(tmp_path, train=body(f"if not torch.isfinite(loss): {ending}"))
    assert check.attributes["ended"] == ended


def test_recursion_comes_to_an_end(tmp_path: Path) -> None:
    source = """\
    def train(model, optimizer, loss, n):
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if n:
            train(model, optimizer, loss, n - 1)
    """
    assert kinds(events(tmp_path, train=source))[:3] == [BACKWARD, STEP, CLEAR]


# Asking a timeline -------------------------------------------------------------------------------


def event(kind: EventKind, line: int, *guards: Guard) -> Event:
    return Event(kind, Place("m.py", line, 1, line, 2), guards=guards)


def test_before_and_after_tell_the_nearest_first_and_leave_out_what_cannot_meet() -> None:
    one, other = Guard(1, "then"), Guard(1, "else")
    events_ = (event(CLEAR, 1), event(CLIP, 2, one), event(CLIP, 3, other), event(STEP, 4, one), event(CLEAR, 5))
    line = Timeline("train", events_)
    step = events_[3]
    assert [e.place.line for e in line.before(step, lambda _: True)] == [2, 1]
    assert [e.place.line for e in line.after(step, lambda _: True)] == [5]
    assert [e.place.line for e in line.after(events_[0], lambda e: e.kind is CLIP)] == [2, 3]


def test_a_place_is_written_as_path_and_line() -> None:
    assert str(event(STEP, 7).place) == "m.py:7"

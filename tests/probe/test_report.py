from __future__ import annotations

import dataclasses

import pytest
from building import falling, healthy, mse, series

from runtime_probe import checks, report
from runtime_probe.checks import Status
from runtime_probe.record import WARM_UP, Crash, NonFinite, Record
from runtime_probe.report import FAILED, HEALTHY, NOT_JUDGED, judge


def rank(number: int, of: int = 2, **changes: object) -> Record:
    steps = [dataclasses.replace(s, batch_hash=f"batch of {number}") for s in series(falling())]
    return dataclasses.replace(healthy(pid=number, rank=number, world_size=of, steps=steps), **changes)


def test_healthy() -> None:
    made = judge([healthy()])
    assert made.exit_status == HEALTHY
    assert made.next_action == "launch"
    assert {result.check for result in made.results} == {check.id for check in checks.ALL}


def test_a_warning_is_no_reason_to_wait() -> None:
    made = judge([rank(0, of=1, linear_pairs=["Policy.0 > Policy.1"])])
    assert made.exit_status == HEALTHY
    assert made.next_action.startswith("launch; worth a look: put an activation")


def test_results_come_in_the_order_of_the_checklist() -> None:
    steps = [result.step for result in judge([healthy()]).results]
    assert steps == sorted(steps)
    assert set(steps) == {1, 2, 3, 4, 5, 6, 7}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, "no Python process"),
        (Record(status="ended"), "no backward pass"),
        (healthy(steps=[], optimizers=[]), "no step of an optimizer"),
        (healthy(steps=series(falling(steps=2), phase=WARM_UP), status="ended"), "the first ones are warm-up"),
        (healthy(backwards=0, steps=series(falling(), phase=WARM_UP)), "gradients of torch.func"),
        (Record(status="crashed", crash=Crash("E", "\x1b[1mtrust\x1b[0m it", "")), "E: trust it"),
        (Record(status="crashed", crash=Crash("FileNotFoundError", "data.npz", "Traceback ...")), "crashed before the first"),
        (healthy(steps=series(falling(steps=3)), status="crashed", crash=Crash("IndexError", "out", "")), "after 3 of 10"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_neither_healthy_nor_failed(record: Record | None, words: str) -> None:
    made = judge([] if record is None else [record])
    assert made.exit_status == NOT_JUDGED
    assert words in made.reason


def test_an_exit_status_is_said_where_nothing_was_trained() -> None:
    made = judge([Record(status="ended")], exit_status=2)
    assert "no backward pass" in made.reason
    assert "exit status 2" in made.reason
    assert made.next_action == made.reason
    assert "exit status" not in judge([Record(status="ended")], exit_status=0).reason


def test_a_time_limit_without_steps() -> None:
    made = judge([Record()], timed_out=True)
    assert made.exit_status == NOT_JUDGED
    assert "time limit" in made.reason


def test_a_short_run_is_judged_with_a_note() -> None:
    made = judge([healthy(steps=series(falling(steps=6)), status="ended")])
    assert made.exit_status == HEALTHY
    assert any("6 of 10" in note for note in made.notes)


def test_a_failed_check_outweighs_a_crash_and_a_time_limit() -> None:
    record = healthy(steps=series(falling(), cleared=False), crash=Crash("RuntimeError", "boom", ""), status="crashed")
    assert judge([record], timed_out=True).exit_status == FAILED


def test_the_process_that_trains_is_described() -> None:
    launcher = Record(pid=7, argv=["torchrun"])
    assert judge([launcher, healthy()]).record == healthy()


def test_ranks_are_merged_and_a_bad_one_is_named() -> None:
    bad = rank(1, nonfinite=[NonFinite("loss", 2, "nan")])
    made = judge([bad, rank(0)])
    assert made.ranks == 2
    assert made.record is not None
    assert made.record.rank == 0
    found = [r for r in made.failures if r.check == "nan-or-inf"]
    assert len(found) == 1
    assert found[0].message.startswith("rank 1 of 2: NaN in the loss")


def test_ranks_that_see_the_same_batch() -> None:
    same = [rank(number, steps=series(falling())) for number in (0, 1)]
    assert [r.check for r in judge(same).failures] == ["ranks-see-same-batch"]
    assert judge([rank(0), rank(1)]).exit_status == HEALTHY


def test_ranks_whose_parameters_drift_apart() -> None:
    apart = rank(1)
    for step in apart.steps[3:]:
        step.parameter_hash = "other"
    made = judge([rank(0), apart])
    assert [r.check for r in made.failures] == ["ranks-differ"]
    assert "step 4" in made.failures[0].message


def test_a_defect_in_a_check_costs_only_that_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(record: object, family: object) -> object:
        raise ZeroDivisionError("division by zero")

    spoilt = (dataclasses.replace(checks.ALL[0], run=broken), *checks.ALL[1:])
    monkeypatch.setattr(report, "ALL", spoilt)
    made = judge([healthy()])
    assert made.results[0].status is Status.NOT_EXERCISED
    assert "defect of the probe" in made.results[0].message
    assert made.exit_status == HEALTHY


def test_an_empty_record_breaks_no_check() -> None:
    for record in (Record(), Record(backwards=1), dataclasses.replace(healthy(), parameters=[], statistics=[])):
        assert not [r for r in judge([record]).results if "defect" in r.message]


def test_equal_results_are_said_once() -> None:
    made = judge([healthy(broadcasts=[mse(input_shape=[4, 1], target_shape=[4])] * 3)])
    assert sum(r.check == "loss-broadcasts" for r in made.results) == 1

"""Real scripts under the real probe: the examples, and scripts as people write them."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime_probe import timelines
from runtime_probe.launch.run import run
from runtime_probe.options import Options
from runtime_probe.report import FAILED, HEALTHY, Report, judge

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SCRIPTS = Path(__file__).parent / "scripts"

HEALTHY_EXAMPLES = (
    "healthy/train_bc.py",
    "healthy/train_flow.py",
    "healthy/train_reinforce.py",
    "healthy/standalone/behaviour_cloning/train_bc.py",
    "healthy/standalone/binned_actions_fp16/train_bins.py",
    "healthy/standalone/flow_matching/train_flow.py",
    "healthy/standalone/reinforce/train_reinforce.py",
)
TWINS = sorted(
    str(path.relative_to(EXAMPLES)) for path in EXAMPLES.glob("broken/*/train*.py") if "cvg303" not in str(path)
)
RAW_SCRIPTS = ("gan_vectors.py", "lbfgs_fit.py", "accumulation_bc.py", "scaler_bc.py", "wrapped_env.py")
FRAMEWORKS = {
    "lightning_bc.py": ("lightning", "lightning"),
    "hf_trainer_lm.py": ("transformers", "transformers"),
    "accelerate_bc.py": ("accelerate", "accelerate"),
}
FAILED_TWINS = {
    "CVG102": "clipping-without-effect",
    "CVG103": "gradients-not-cleared",
    "CVG301": "inputs-not-normalized",
}
"""Twins in which ten steps show that training cannot work; the others are what a bad batch brings out."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with demonstrations in it."""
    made = tmp_path_factory.mktemp("runs")
    subprocess.run(
        [sys.executable, EXAMPLES / "healthy/generate_demonstrations.py"], cwd=made, check=True, capture_output=True
    )
    return made


@functools.cache
def probe(folder: Path, *words: str) -> Report:
    """Probe a command once for all tests that ask of it."""
    before = Path.cwd()
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        outcome = run(list(words), Options(timeout=120))
    finally:
        os.chdir(before)
    return judge(outcome.records, outcome.output_tail, timed_out=outcome.timed_out)


def example(folder: Path, name: str) -> Report:
    return probe(folder, sys.executable, str(EXAMPLES / name))


def names(report: Report) -> list[str]:
    return [result.check for result in report.failures]


@pytest.mark.parametrize("name", HEALTHY_EXAMPLES)
def test_healthy_examples_pass(folder: Path, name: str) -> None:
    report = example(folder, name)
    assert (report.exit_status, names(report), report.findings) == (HEALTHY, [], [])
    assert report.record is not None
    assert len(report.record.series(0)) == 10


@pytest.mark.parametrize("name", TWINS)
def test_each_twin_is_named(folder: Path, name: str) -> None:
    code = name.split("/")[1][:6].upper()
    report = example(folder, name)
    found = {item.code: item.verdict for item in report.findings}
    assert set(found) == {code}
    # What is saved shows after the last step, not within ten.
    assert found[code] == ("not exercised" if code == "CVG302" else "confirmed")
    expected = FAILED_TWINS.get(code)
    assert report.exit_status == (FAILED if expected else HEALTHY)
    assert names(report)[:1] == ([expected] if expected else [])


@pytest.mark.parametrize("name", [*HEALTHY_EXAMPLES, *TWINS])
def test_predicted_and_observed_timelines_agree(folder: Path, name: str) -> None:
    compared = example(folder, name).timeline
    assert compared is not None
    assert compared.expected
    assert [str(item) for item in compared.disagreements] == []


@pytest.mark.parametrize("name", RAW_SCRIPTS)
def test_timelines_of_scripts_agree_for_each_optimizer(folder: Path, name: str) -> None:
    report = probe(folder, sys.executable, str(SCRIPTS / name))
    assert report.record is not None
    for index, optimizer in enumerate(report.record.optimizers):
        happened = timelines.observed(report.record, index)
        expected = timelines.predicted(optimizer.where.path, optimizer.where.line, report.record.files)
        assert happened is not None
        assert expected
        assert [str(item) for item in timelines.compare(expected, happened)] == []


@pytest.mark.parametrize("name", RAW_SCRIPTS)
def test_scripts_as_people_write_them_pass(folder: Path, name: str) -> None:
    report = probe(folder, sys.executable, str(SCRIPTS / name))
    assert (report.exit_status, names(report)) == (HEALTHY, [])


def test_two_optimizers_give_two_series(folder: Path) -> None:
    report = probe(folder, sys.executable, str(SCRIPTS / "gan_vectors.py"))
    assert report.record is not None
    assert [len(report.record.series(i)) for i in (0, 1)] == [10, 10]
    assert report.family.name == "adversarial"


def test_accumulated_losses_belong_to_one_step(folder: Path) -> None:
    report = probe(folder, sys.executable, str(SCRIPTS / "accumulation_bc.py"))
    assert report.record is not None
    assert {len(step.losses) for step in report.record.series(0)} == {4}


def test_a_gradient_scaler_is_taken_out_of_the_norms(folder: Path) -> None:
    report = probe(folder, sys.executable, str(SCRIPTS / "scaler_bc.py"))
    assert report.record is not None
    steps = report.record.series(0)
    assert {step.scale for step in steps} == {65536.0}
    assert max(step.grad_norm for step in steps) < 100.0


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_frameworks_pass_and_are_recognised(folder: Path, name: str) -> None:
    package, framework = FRAMEWORKS[name]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed; make test-all installs it")
    report = probe(folder, sys.executable, str(SCRIPTS / name))
    assert (report.exit_status, names(report)) == (HEALTHY, [])
    assert report.record is not None
    assert (report.record.framework, len(report.record.series(0))) == (framework, 10)


def torchrun(folder: Path, *words: str) -> Report:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return probe(folder, *launcher, str(SCRIPTS / "ddp_bc.py"), *words)


def test_ranks_are_merged_into_one_checklist(folder: Path) -> None:
    report = torchrun(folder)
    assert (report.exit_status, names(report), report.ranks) == (HEALTHY, [], 2)


def test_ranks_with_the_same_batch_are_named(folder: Path) -> None:
    assert names(torchrun(folder, "--same-data")) == ["ranks-see-same-batch"]


def test_nan_on_one_rank_names_the_rank(folder: Path) -> None:
    report = torchrun(folder, "--nan-on-rank-1")
    assert names(report)[0] == "nan-or-inf"
    assert report.failures[0].message.startswith("rank 1 of 2: NaN in the loss at step 1")

"""A file with a model and a loss, but no loop: what is read from it, guessed of it, and said of it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT

from runtime_probe.doors.no_loop.plan import DoorError, Plan, from_json
from runtime_probe.doors.no_loop.proposing import propose
from runtime_probe.doors.no_loop.reading import read

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
STANDALONE = ROOT / "examples" / "healthy" / "standalone"

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
POLICY = """
class SmallPolicy(nn.Module):
    def __init__(self, obs_dim, action_dim, hidden=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, action_dim))

    def forward(self, observation):
        return self.net(observation)
"""
BC_LOSS = """
def bc_loss(policy, batch):
    observation, action = batch
    return F.mse_loss(policy(observation), action)
"""


def write(folder: Path, text: str, name: str = "policy.py") -> str:
    folder.joinpath(name).write_text(HEAD + textwrap.dedent(text))
    return name


# What is read.


@pytest.mark.parametrize(
    ("file", "model", "loss", "optimizer"),
    [
        ("behaviour_cloning/train_bc.py", "SmallPolicy", "mse_loss", ("AdamW", {"lr": 2e-3})),
        ("binned_actions_fp16/train_bins.py", "BinnedPolicy", "cross_entropy", ("SGD", {"lr": 0.2, "momentum": 0.9})),
        ("flow_matching/train_flow.py", "VelocityField", "flow_matching_loss", ("AdamW", {"lr": 2e-3})),
    ],
)
def test_proposals_for_the_examples(file: str, model: str, loss: str, optimizer: Any) -> None:
    plan = propose(str(STANDALONE / file))
    assert (plan.model, plan.loss) == (model, loss)
    assert (plan.optimizer, plan.options) == optimizer
    assert from_json(plan.to_json()) == plan
    assert any(loss in note for note in plan.notes)


def test_models_are_those_that_no_other_holds(tmp_path: Path) -> None:
    text = """
    import pytorch_lightning as pl
    class Block(nn.Module): ...
    class Base(nn.Module): ...
    class Policy(Base):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([Block() for _ in range(2)])
    class Lit(pl.LightningModule): ...
    class FocalLoss(nn.Module):
        def forward(self, logits, target):
            return F.cross_entropy(logits, target)
    class Plain: ...
    """
    outline = read(tmp_path / write(tmp_path, text))
    assert outline.models == ["Policy", "Lit"]
    assert [loss.name for loss in outline.losses] == ["FocalLoss"]


def test_losses_are_what_computes_one_and_does_not_train(tmp_path: Path) -> None:
    text = """
    def squared(prediction, target):
        return ((prediction - target) ** 2).mean()
    def total_loss(model, batch):
        return squared(model(batch["obs"]), batch["action"]) + 0
    def train_loss(model, batch):
        loss = F.mse_loss(model(batch[0]), batch[1])
        loss.backward()
        return loss
    def evaluate(model, loader):
        return sum(F.mse_loss(model(x), y) for x, y in loader)
    def normalize(x, mean):
        return x - mean
    """
    losses = read(tmp_path / write(tmp_path, text)).losses
    assert [loss.name for loss in losses] == ["total_loss"]
    assert (losses[0].layout, losses[0].parts) == ("dict", ["obs", "action"])


def test_what_cannot_be_told_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, POLICY + POLICY.replace("SmallPolicy", "Critic") + BC_LOSS + BC_LOSS.replace("bc_loss", "kl_loss"))
    with pytest.raises(DoorError, match=r"policy\.py:SmallPolicy or policy\.py:Critic"):
        propose("policy.py")
    with pytest.raises(DoorError, match=r"--loss policy\.py:bc_loss or policy\.py:kl_loss"):
        propose("policy.py:Critic")
    assert propose("policy.py:Critic", "policy.py:kl_loss").loss == "kl_loss"
    assert propose("policy.py:Critic", "l1_loss").loss == "l1_loss"
    with pytest.raises(DoorError, match="cannot be read: No such file"):
        propose("nothing.py")
    with pytest.raises(DoorError, match=r"names no file: write FILE\.py"):
        propose("policy")
    with pytest.raises(DoorError, match=r"no such file: batch\.pt"):
        propose("policy.py:Critic", "l1_loss", "batch.pt")


# What is guessed: in this process, on models of many kinds.

CASES = {
    "positional arguments": (POLICY + BC_LOSS, "policy.py", {"observation": (9,), "action": (7,)}),
    "criterion of the file": (POLICY + "criterion = nn.L1Loss()\n", "policy.py", {"observation": (9,), "target": (7,)}),
    "image classifier": (
        """
        class Net(nn.Module):
            def __init__(self, num_classes=10):
                super().__init__()
                self.conv = nn.Conv2d(1, 8, 3, padding=1)
                self.norm = nn.BatchNorm2d(8)
                self.head = nn.Linear(8 * 14 * 14, num_classes)
            def forward(self, x):
                return self.head(torch.flatten(F.max_pool2d(self.norm(self.conv(x)), 2), 1))
        def classification_loss(logits, labels):
            return F.cross_entropy(logits, labels)
        """,
        "policy.py",
        {"x": (1, 28, 28), "labels": ()},
    ),
    "language model with settings": (
        """
        from dataclasses import dataclass
        @dataclass
        class Config:
            block_size: int = 16
            vocab_size: int = 65
            width: int = 32
        class Lm(nn.Module):
            def __init__(self, config):
                super().__init__()
                self.tokens = nn.Embedding(config.vocab_size, config.width)
                self.places = nn.Embedding(config.block_size, config.width)
                self.head = nn.Linear(config.width, config.vocab_size)
            def forward(self, idx, targets=None):
                b, t = idx.size()
                logits = self.head(self.tokens(idx) + self.places(torch.arange(t)))
                loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
                return logits, loss
        """,
        "policy.py",
        {"idx": (12,), "targets": (12,)},
    ),
    "images and states, a method, a dictionary": (
        """
        class Chunked(nn.Module):
            def __init__(self, obs_dim, action_dim, horizon):
                super().__init__()
                self.horizon, self.action_dim = horizon, action_dim
                self.see = nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
                self.act = nn.Linear(obs_dim + 8, horizon * action_dim)
            def forward(self, obs, image):
                return self.act(torch.cat([obs, self.see(image)], -1)).view(-1, self.horizon, self.action_dim)
            def compute_loss(self, batch):
                return (self(batch["obs"], batch["image"]) - batch["action"]).abs().mean()
        """,
        "policy.py",
        {"obs": (9,), "image": (3, 32, 32), "action": (12, 7)},
    ),
    "recurrent": (
        """
        class Reg(nn.Module):
            def __init__(self, n_features, n_out):
                super().__init__()
                self.rnn = nn.LSTM(n_features, 16, batch_first=True)
                self.out = nn.Linear(16, n_out)
            def forward(self, x):
                return self.out(self.rnn(x)[0][:, -1])
        """,
        "policy.py",
        {"x": (12, 32), "target": (7,)},
    ),
    "diffusion over a joined input": (
        """
        class Denoiser(nn.Module):
            def __init__(self, action_dim, cond_dim):
                super().__init__()
                self.net = nn.Linear(action_dim + cond_dim + 1, action_dim)
            def forward(self, x, t, cond):
                return self.net(torch.cat([x, t[:, None], cond], -1))
        def ddpm_loss(model, x0, cond, steps=100):
            t = torch.randint(0, steps, (len(x0),)) / steps
            noise = torch.randn_like(x0)
            return F.mse_loss(model(x0 + noise * t[:, None], t, cond), noise)
        """,
        "policy.py",
        {"x0": (7,), "cond": (6,)},
    ),
    "Lightning's step": (
        """
        class Lit(nn.Module):
            def __init__(self, lr: float = 1e-3):
                super().__init__()
                self.model = nn.Linear(28 * 28, 10)
            def forward(self, x):
                return self.model(x.view(x.size(0), -1))
            def training_step(self, batch, batch_idx):
                x, y = batch
                return F.cross_entropy(self(x), y)
        """,
        "policy.py",
        {"x": (784,), "y": ()},
    ),
    "a function that makes the model, attributes of a batch": (
        POLICY
        + """
def make_policy(obs_dim=5):
    return SmallPolicy(obs_dim, 2)
def imitation_loss(policy, batch):
    return F.huber_loss(policy(batch.state), batch.control)
""",
        "policy.py:make_policy",
        {"state": (5,), "control": (2,)},
    ),
}


@needs_torch
@pytest.mark.parametrize("case", CASES)
def test_a_batch_is_shaped(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from runtime_probe.doors.no_loop import building, child, making

    text, spec, shapes = CASES[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    write(tmp_path, text)
    plan = propose(spec)
    try:
        module = child.load(Path("policy.py"))
        model, sizes, _ = building.build(module, plan.model)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        batch, loss_of, notes = making.make(plan, model, making.find_loss(plan, module, child.load), sizes)
    finally:
        sys.modules.pop("policy", None)
    assert {name: tuple(value.shape) for name, value in batch.items()} == {k: (4, *v) for k, v in shapes.items()}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    loss_of(batch).backward()
    assert any(name in notes[0] for name in shapes)


@needs_torch
def test_what_cannot_be_built_or_shaped_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runtime_probe.doors.no_loop import building, child, making

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    write(
        tmp_path,
        """
        class Reader(nn.Module):
            def __init__(self, tokenizer):
                super().__init__()
        class Picky(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(3, 3)
            def forward(self, x):
                raise ValueError("only on Sundays")
        """,
    )
    try:
        module = child.load(Path("policy.py"))
        with pytest.raises(DoorError, match="Reader needs 'tokenizer'"):
            building.build(module, "Reader")
        with pytest.raises(DoorError, match="has no Writer"):
            building.build(module, "Writer")
        picky, sizes, _ = building.build(module, "Picky")
        plan = Plan("policy.py", "Picky", loss="mse_loss")
        with pytest.raises(DoorError, match=r"accepts: ValueError: only on Sundays \(the first try was x \(n, 3\)"):
            making.make(plan, picky, making.find_loss(plan, module, child.load), sizes)
    finally:
        sys.modules.pop("policy", None)


# The command.


def convdiag_probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runtime_probe", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@needs_torch
def test_the_command_reports_what_it_guessed(work: Path) -> None:
    write(work, POLICY + BC_LOSS)
    work.joinpath("other.txt").write_text("stays")
    done = convdiag_probe("--json", "report.json", "--model", "policy.py")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(work.joinpath("report.json").read_text())
    assert report["verdict"] == "healthy"
    assert report["record"]["models"][0]["name"] == "SmallPolicy"
    assert report["record"]["batch"]["made_up"]
    notes = "\n".join(report["notes"])
    for said in ("SmallPolicy made with obs_dim=9, action_dim=7", "loss: bc_loss", "batch made up: observation (n, 9)"):
        assert said in notes
    # Of data that were made up nothing is claimed, and the loop was not the user's.
    idle = {r["check"] for r in report["results"] if r["status"] == "not exercised"}
    assert {"data-outliers", "inputs-not-normalized", "gradients-not-clipped", "gradients-not-cleared"} <= idle
    assert {path.name for path in work.iterdir()} == {"policy.py", "other.txt", "report.json"}


@needs_torch
def test_a_broken_loss_fails_and_a_batch_can_be_given(work: Path) -> None:
    import torch

    detached = "\n\ndef frozen_loss(policy, batch):\n    return bc_loss(policy, batch).detach().requires_grad_()\n"
    write(work, POLICY + BC_LOSS + detached)
    torch.save((torch.randn(16, 9), 1e4 * torch.randn(16, 7) ** 3), work / "batch.pt")
    done = convdiag_probe("--model", "policy.py", "--loss", "policy.py:frozen_loss")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "loss-detached" in done.stdout
    named = ("--model", "policy.py", "--loss", "policy.py:bc_loss")
    done = convdiag_probe(*named, "--batch", "batch.pt")
    assert "4 (of 16), the same at every step" in done.stdout
    assert "batch made up" not in done.stdout


@needs_torch
def test_a_script_that_does_not_train_is_told_of_the_door(work: Path) -> None:
    write(work, POLICY + BC_LOSS + "\nprint(SmallPolicy(2, 1))\n")
    done = convdiag_probe("policy.py")
    assert done.returncode == 2
    text = " ".join(done.stdout.split())
    assert "no backward pass was seen" in text
    assert "convdiag-probe --model policy.py:SmallPolicy --loss policy.py:bc_loss" in text


def test_wrong_use_is_one_line(work: Path) -> None:
    write(work, POLICY)
    for arguments, said in (
        (("--model", "policy.py", "train.py"), "in place of a command"),
        (("--batch", "batch.pt"), "--batch goes with them"),
        (("--model", "nothing.py"), "nothing.py cannot be read"),
    ):
        done = convdiag_probe(*arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1

"""The mutation benchmark takes out what it says, and the linter sees it on the examples."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import pytest
from helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def load() -> Any:
    path = ROOT / "benchmarks" / "mutation.py"
    spec = importlib.util.spec_from_file_location("mutation", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutation"] = module
    spec.loader.exec_module(module)
    return module


mutation = load()

PAIRS = {
    "a clip": (
        "CVG101",
        "loss.backward()\nclip_grad_norm_(m.parameters(), 1.0)\no.step()\n",
        "loss.backward()\npass\no.step()\n",
    ),
    "a clip whose norm is used": (
        "CVG101",
        "norm = torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)\n",
        "norm = 0.0\n",
    ),
    "both clips of one thing": (
        "CVG101",
        "if amp:\n    clip_grad_norm_(ps, 1)\nelse:\n    clip_grad_norm_(ps, 1)\n",
        "if amp:\n    pass\nelse:\n    pass\n",
    ),
    "an argument of a trainer": (
        "CVG101",
        "t = Trainer(max_epochs=3, gradient_clip_val=1.0)\n",
        "t = Trainer(max_epochs=3, )\n",
    ),
    "a clearing": ("CVG103", "for x in y:\n    o.zero_grad()\n", "for x in y:\n    pass\n"),
    "an assertion": ("CVG201", "assert torch.isfinite(loss), 'no'\n", "pass\n"),
    "a test that ends": (
        "CVG201",
        "if math.isnan(loss_value):\n    raise ValueError\nelse:\n    f()\n",
        "f()\n",
    ),
    "a test that permits": (
        "CVG201",
        "if torch.isfinite(loss):\n    loss.backward()\n    o.step()\n",
        "loss.backward()\no.step()\n",
    ),
    "a comparison with itself": ("CVG201", "if loss != loss:\n    sys.exit(1)\n", "pass\n"),
    "a scaler": (
        "CVG203",
        "scaler = GradScaler()\nscaler.scale(loss).backward()\nscaler.step(o)\nscaler.update()\n",
        "scaler = None\nloss.backward()\no.step()\npass\n",
    ),
    "a standardization": ("CVG301", "x = (x - mean) / (std + 1e-6)\n", "x = x\n"),
    "a division by 255": ("CVG301", "x = image.float() / 255.0\n", "x = image.float()\n"),
    "a Normalize": (
        "CVG301",
        "t = Compose([Resize(8), Normalize(m, s)])\n",
        "t = Compose([Resize(8), ])\n",
    ),
    "statistics of a checkpoint": (
        "CVG302",
        "torch.save({'net': n.state_dict(), 'obs_mean': m, **statistics}, path)\n",
        "torch.save({'net': n.state_dict(), }, path)\n",
    ),
    "statistics of a named checkpoint": (
        "CVG302",
        "c = {'net': n, 'std': s}\nc['stats'] = 1\ntorch.save(c, path)\n",
        "c = {'net': n, }\npass\ntorch.save(c, path)\n",
    ),
    "statistics beside a checkpoint": ("CVG302", "pickle.dump(norm_stats, file)\n", "pass\n"),
    "a clamp of time": (
        "CVG401",
        "t = torch.rand(n, 1).clamp(1e-3, 1 - 1e-3)\nx = (1 - t) * a + t * b\n",
        "t = torch.rand(n, 1)\nx = (1 - t) * a + t * b\n",
    ),
    "an affine map of time": (
        "CVG401",
        "t = eps + (1 - 2 * eps) * torch.rand(n)\nx = (1 - t) * a + t * b\n",
        "t = torch.rand(n)\nx = (1 - t) * a + t * b\n",
    ),
    "a bound on the next line": (
        "CVG401",
        "t = torch.rand(n)\nt = t * 0.8 + 0.1\nx = (1 - t) * a + t * b\n",
        "t = torch.rand(n)\npass\nx = (1 - t) * a + t * b\n",
    ),
    "a logit-normal": (
        "CVG401",
        "t = torch.sigmoid(torch.randn(n))\nx = (1.0 - t) * a + t * b\n",
        "t = torch.rand(n)\nx = (1.0 - t) * a + t * b\n",
    ),
}

NOTHING = {
    "a function that is named like a clip": ("CVG101", "def clip_grad_norm_(ps):\n    return ps\n"),
    "a test that only logs": ("CVG201", "if torch.isnan(loss):\n    log('NaN')\n"),
    "a scaler that scales nothing": ("CVG203", "scaler = GradScaler()\nscaler.update()\n"),
    "advantages": ("CVG301", "a = (adv - adv.mean()) / (adv.std() + 1e-8)\n"),
    "a Normalize after ToTensor": ("CVG301", "t = Compose([ToTensor(), Normalize(m, s)])\n"),
    "a checkpoint of weights": ("CVG302", "torch.save({'net': n, 'max_steps': 3}, path)\n"),
    "the optimizer of a temperature": ("CVG103", "alpha_optimizer.zero_grad()\n"),
    "noise": ("CVG401", "noise = torch.rand(n) * 2 - 1\nx = (1 - t) * noise + t * b\n"),
    "no Python": ("CVG101", "clip_grad_norm_(\n"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_one_thing_is_taken_out(name: str) -> None:
    rule, healthy, broken = PAIRS[name]
    (mutant,) = mutation.mutants_of("train.py", healthy, [rule])
    assert mutant.source == broken
    assert mutant.rule == rule
    assert mutant.scope == "<module>"


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_is_taken_out(name: str) -> None:
    rule, text = NOTHING[name]
    assert mutation.mutants_of("train.py", text, [rule]) == []


def test_optimizers_are_broken_one_by_one() -> None:
    text = "def f():\n    a.zero_grad()\n    b.zero_grad()\n\ndef g():\n    a.zero_grad()\n"
    found = mutation.mutants_of("train.py", text, ["CVG103"])
    assert [(m.scope, m.line) for m in found] == [("f", 2), ("f", 3), ("g", 6)]


def test_a_copy_leaves_the_project_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "examples/healthy/standalone/flow_matching/optim.py").read_text("utf-8")
    loop = "\n\ndef train(model, loader, o):\n    for x in loader:\n"
    loop += "        optimizer_step(model(x).mean(), o, model)\n"
    (tmp_path / "train.py").write_text(text + loop, "utf-8")
    result = tmp_path / "result.json"
    assert mutation.main([str(tmp_path), "--rules", "CVG101,CVG201", "--json", str(result)]) == 0
    assert (tmp_path / "train.py").read_text("utf-8") == text + loop
    assert "2 of 2 found" in capsys.readouterr().out
    assert '"found"' in result.read_text("utf-8")


def test_a_rule_without_a_mutation_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        mutation.main(["--rules", "CVG999"])
    assert "CVG999" in capsys.readouterr().err

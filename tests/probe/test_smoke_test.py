"""The door for people who have the objects: verdicts, and nothing left behind."""

from __future__ import annotations

import copy
import math
import random
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from helpers import ROOT, run

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.optim import optimizer as optim_module  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from runtime_probe import smoke_test  # noqa: E402
from runtime_probe.doors.objective import ObjectiveError  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path


class Policy(nn.Module):
    """Keeps what models keep: a buffer, a counter, a list, a plain tensor, a frozen part in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(9, 64)
        self.norm = nn.BatchNorm1d(64)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(64, 4)
        self.frozen = nn.Linear(9, 4).requires_grad_(requires_grad=False).eval()
        self.calls, self.log, self.running = 0, [], torch.zeros(4)

    def forward(self, observation: Any) -> Any:
        self.calls += 1
        self.log.append(self.calls)
        self.cache = self.head(self.drop(torch.relu(self.norm(self.first(observation)))))
        self.running += self.cache.detach().mean(dim=0)
        return self.cache + self.frozen(observation)


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(9, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, observation: Any) -> Any:
        return self.net(observation)


def pair(n: int = 16) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(3)
    observation = torch.randn(n, 9, generator=generator)
    return observation, torch.tanh(observation[:, :4])


def mse_of_batch(model: nn.Module, batch: Any) -> Any:
    return functional.mse_loss(model(batch[0]), batch[1])


def failed(report: Any) -> list[str]:
    return [result.check for result in report.failures]


def test_a_healthy_model_passes_and_the_report_reads_well() -> None:
    report = smoke_test(Mlp(), mse_of_batch, pair())
    assert report.status == "healthy", str(report)
    assert report.record.batch.size == 4
    assert report.record.batch.original == 16
    assert len(report.record.losses(0)) == 11
    text = str(report)
    assert text.startswith("convdiag: HEALTHY")
    assert "Mlp, 900 parameters; family: supervised" in text
    assert "AdamW" in text
    # A leak between samples is asked for although nobody said which dimension is the batch.
    assert any(r.check == "samples-leak" and r.status.value == "pass" for r in report.results)
    # The loop is not the user's: nothing is said of it.
    assert {r.status.value for r in report.results if r.check == "gradients-not-clipped"} == {"not exercised"}


@pytest.mark.parametrize(
    ("loss_fn", "batch"),
    [
        (functional.mse_loss, pair()),
        (nn.MSELoss(), pair(4)),
        (lambda output, target: ((output - target) ** 2).mean(), pair()),
        (lambda a, b: ((a - b) ** 2).mean(), pair()),
        (lambda m, b: ((m(b[0]) - b[1]) ** 2).mean(), pair()),
        (lambda policy, observation, action: functional.mse_loss(policy(observation), action), pair()),
        (
            lambda model, batch: {"loss": mse_of_batch(model, (batch["obs"], batch["act"])), "n": 4},
            dict(zip(("obs", "act"), pair(), strict=True)),
        ),
        (lambda model, batch: (mse_of_batch(model, batch), "metrics"), pair()),
        (mse_of_batch, DataLoader(TensorDataset(*pair()), batch_size=8)),
    ],
)
def test_every_way_to_write_a_loss(loss_fn: Any, batch: Any) -> None:
    report = smoke_test(Mlp(), loss_fn, batch)
    assert report.status == "healthy", str(report)
    assert report.record.batch.size == 4


def test_what_keeps_it_from_learning_is_named() -> None:
    observation, action = pair()
    frozen = Mlp().requires_grad_(requires_grad=False)
    frozen.net[2].bias.requires_grad_(requires_grad=True)
    cases = {
        "loss-detached": (Mlp(), lambda model, b: mse_of_batch(model, b).detach()),
        "loss-negated": (Mlp(), lambda model, b: -mse_of_batch(model, b)),
        "loss-broadcasts": (nn.Linear(9, 1), lambda model, b: ((model(b[0]) - b[1][:, 0]) ** 2).mean()),
        "nan-or-inf": (Mlp(), lambda model, b: torch.log(model(b[0]) - 9).mean()),
        "inputs-constant": (Mlp(), lambda model, b: ((model(b[0] * 0) - b[1]) ** 2).mean()),
    }
    for check, (model, loss_fn) in cases.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = smoke_test(model, loss_fn, (observation, action))
        assert check in failed(report), f"{check}: {report}"
        assert report.status == "failed"


@pytest.mark.parametrize("loss", [functional.mse_loss, functional.l1_loss, functional.smooth_l1_loss, nn.HuberLoss()])
def test_a_column_against_a_row_is_seen_in_loss_functions_too(loss: Any) -> None:
    batch = pair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = smoke_test(nn.Linear(9, 1), lambda model, b: loss(model(b[0]), b[1][:, 0]), batch)
        deep = smoke_test(nn.Linear(9, 1), lambda model, b: loss(model(b[0])[:, None], b[1][:, 0]), batch)
    assert failed(report) == failed(deep) == ["loss-broadcasts"], f"{report} {deep}"
    # One value for all samples, and every quantile with every other, are meant.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meant = [
            smoke_test(nn.Linear(9, 4), lambda model, b: loss(model(b[0]), b[1].mean(dim=0).expand_as(b[1])), batch),
            smoke_test(nn.Linear(9, 4), lambda model, b: loss(model(b[0]), b[1][:, :4]), batch),
            smoke_test(nn.Linear(9, 4), lambda model, b: loss(model(b[0])[:, None, :], b[1][:, :, None]), batch),
        ]
    assert not any("loss-broadcasts" in failed(report) for report in meant)


def state_of(model: nn.Module, optimizer: Any) -> dict[str, Any]:
    return {
        "tensors": copy.deepcopy(model.state_dict()),
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "requires": [p.requires_grad for p in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "hooks": [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()],
        "attributes": sorted(vars(model)),
        "own": (model.calls, list(model.log), model.running.clone()),
        "optimizer": copy.deepcopy(optimizer.state_dict()),
    }


def same(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def torch_as_it_is() -> dict[str, Any]:
    """Everything in torch, math and numpy that the tap may replace."""
    owners = [
        torch, torch.autograd, torch.nn.utils, torch.nn.utils.clip_grad, torch.optim.Optimizer, nn.Module,
        DataLoader, torch.amp.GradScaler, math, np.random,
        *(c for c in vars(torch.distributions).values() if isinstance(c, type)),
    ]  # fmt: skip
    # Names of modules that are imported meanwhile appear by themselves.
    module = type(math)
    return {
        f"{owner.__name__}.{name}": value
        for owner in owners
        for name, value in vars(owner).items()
        if not isinstance(value, module)
    }


def hooks_of_torch() -> list[int]:
    found = vars(nn.modules.module)
    sizes = [
        len(value) for name, value in sorted(found.items()) if name.startswith("_global_") and hasattr(value, "__len__")
    ]
    return [*sizes, len(optim_module._global_optimizer_pre_hooks), len(optim_module._global_optimizer_post_hooks)]


def random_states() -> list[Any]:
    _, keys, *rest = np.random.get_state()
    return [torch.get_rng_state(), random.getstate(), keys.tolist(), rest]


BROKEN = [
    mse_of_batch,
    lambda model, batch: mse_of_batch(model, batch) * float("nan"),
    lambda model, batch: mse_of_batch(model, batch).detach(),
    lambda model, batch: mse_of_batch(model, batch) / (1 // 0),
]


@pytest.mark.parametrize("loss_fn", BROKEN)
def test_afterwards_everything_is_as_it_was(loss_fn: Any) -> None:
    smoke_test(Mlp(), functional.mse_loss, pair())  # what torch imports at first use is there now
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)
    model = Policy()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    functional.mse_loss(model(pair()[0]), pair()[1]).backward()
    optimizer.step()
    states = [id(state["exp_avg"]) for state in optimizer.state.values()]
    gradient, cache = model.head.weight.grad, model.cache
    generator = torch.Generator().manual_seed(7)

    def noisy(model: nn.Module, batch: Any) -> Any:
        noise = torch.randn(len(batch[0]), 9, generator=generator) + random.uniform(0, 1) + np.random.rand()  # noqa: S311
        return loss_fn(model, (batch[0] + 0.1 * noise, batch[1]))

    before, torch_before, hooks = state_of(model, optimizer), torch_as_it_is(), hooks_of_torch()
    draws, own_draws, modes = random_states(), generator.get_state(), torch._C._len_torch_function_stack()
    batch = pair()
    kept = copy.deepcopy(batch)
    try:
        report = smoke_test(model, noisy, batch, optimizer=optimizer)
    except ZeroDivisionError:
        assert loss_fn is BROKEN[-1]
    else:
        assert [o.name for o in report.record.optimizers] == ["Adam"] or failed(report) == ["loss-detached"]
    assert same(state_of(model, optimizer), before)
    assert same(batch, kept)
    assert model.head.weight.grad is gradient
    assert model.cache is cache
    assert [id(state["exp_avg"]) for state in optimizer.state.values()] == states
    assert same(random_states(), draws)
    assert torch.equal(generator.get_state(), own_draws)
    after = torch_as_it_is()
    assert after.keys() == torch_before.keys()
    assert [name for name in after if after[name] is not torch_before[name]] == []
    assert hooks_of_torch() == hooks
    assert torch._C._len_torch_function_stack() == modes
    assert torch.is_grad_enabled()


def test_stochastic_losses_repeat_also_with_a_generator_of_their_own() -> None:
    generator = torch.Generator().manual_seed(7)

    def noisy(model: nn.Module, batch: Any) -> Any:
        noise = torch.randn(batch[0].shape, generator=generator) + 0.1 * torch.rand(1)
        return functional.mse_loss(model(batch[0] + noise), batch[1])

    report = smoke_test(Mlp(), noisy, pair())
    assert report.record.experiments.repeat == 0.0
    losses = report.record.losses(0)
    assert losses == sorted(losses, reverse=True)


def test_the_same_seed_gives_the_same_report() -> None:
    model, loss_fn = Mlp(), lambda model, b: mse_of_batch(model, (b[0] + torch.randn_like(b[0]), b[1]))
    first = smoke_test(model, loss_fn, pair()).record.losses(0)
    torch.rand(5)
    assert smoke_test(model, loss_fn, pair()).record.losses(0) == first
    assert smoke_test(model, loss_fn, pair(), seed=1).record.losses(0) != first


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.LBFGS])
def test_an_optimizer_can_be_made_by_a_function(optimizer: Any) -> None:
    report = smoke_test(Mlp(), mse_of_batch, pair(), optimizer=lambda p: optimizer(p, lr=0.05), steps=5)
    assert report.record.optimizers[0].name == optimizer.__name__
    assert len(report.record.series(0)) == 5
    assert report.status == "healthy", str(report)


def test_wrong_use_is_said_plainly() -> None:
    with pytest.raises(ObjectiveError, match="takes 1 argument"):
        smoke_test(Mlp(), lambda batch: batch, pair())
    with pytest.raises(ObjectiveError, match=r"the loss has shape \(16, 4\)"):
        smoke_test(Mlp(), lambda model, b: (model(b[0]) - b[1]) ** 2, pair())

    def three(policy: nn.Module, observation: Any, action: Any) -> Any:
        return policy(observation) - action

    with pytest.raises(ObjectiveError, match="wants observation, action"):
        smoke_test(Mlp(), three, {"observation": 1})
    with pytest.raises(ValueError, match="no parameter that is trained"):
        smoke_test(Mlp().requires_grad_(requires_grad=False), mse_of_batch, pair())
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        smoke_test(Mlp(), functional.mse_loss, pair()[::-1])


def test_importing_the_package_imports_no_torch(tmp_path: Path) -> None:
    code = "import sys, runtime_probe; assert 'torch' not in sys.modules; assert 'smoke_test' in runtime_probe.__all__"
    done = run("-c", code, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr


def test_inside_a_probed_script_only_the_script_is_reported(work: Path) -> None:
    launched = pytest.importorskip("launching").probed(
        """
        import torch
        from torch import nn
        from runtime_probe import smoke_test
        model, generator = nn.Linear(9, 4), torch.Generator().manual_seed(1)
        x, y = torch.randn(64, 9), torch.randn(64, 4)
        assert smoke_test(model, nn.functional.mse_loss, (x, y)).status == "healthy"
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(200):
            chosen = torch.randint(0, 64, (16,), generator=generator)
            loss = nn.functional.mse_loss(model(x[chosen]), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """
    )
    (record,) = launched.records
    assert [optimizer.name for optimizer in record.optimizers] == ["SGD"]
    assert record.experiments.repeat == 0.0
    assert not record.own_loop


def test_a_head_that_starts_at_zero_is_shorter_than_any_update_and_passes() -> None:
    torch.manual_seed(0)
    head = nn.Linear(64, 10)
    nn.init.zeros_(head.weight)
    batch = (torch.randn(16, 64), torch.randint(10, (16,)))
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    report = smoke_test(head, nn.CrossEntropyLoss(), batch, optimizer=optimizer)
    assert report.status == "healthy", report.failures


def test_a_first_update_as_long_as_the_weights_is_a_rate_that_is_too_high() -> None:
    torch.manual_seed(0)
    batch = (torch.randn(16, 9), torch.randn(16, 4))
    model = nn.Sequential(nn.Linear(9, 64), nn.Tanh(), nn.Linear(64, 4))
    report = smoke_test(model, nn.MSELoss(), batch, optimizer=torch.optim.Adam(model.parameters(), lr=1.0))
    assert "learning-rate-too-high" in {result.check for result in report.failures}
    assert report.record is not None
    assert (report.record.optimizers[0].first_length or 0.0) > 1

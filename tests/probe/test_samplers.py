"""What loops in the source take a model's answer for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch")

from runtime_probe.tap import samplers

EULER = "for i in range(10):\n    t = torch.full((n, 1), i / 10)\n    x = x + policy(x, t, obs) / 10\n"
IN_STEPS = "for t in ts:\n    v = self.net(x, t)\n    x += dt * v\n"
BACKWARDS = "for t in ts:\n    x = x - model(torch.cat([x, t.expand(n, 1)], 1)) * dt\n"
IN_BATCHES = (
    "for i in range(10):\n    t = torch.full((x.shape[0],), i / 10, device=x.device)\n    x = x + dt * net(x, t)\n"
)
NEW_TIMES = "for i in steps:\n    t = x.new_full((len(x),), i)\n    eps = net(x, t)\n    x = x - eps * a[i]\n"
LIKE_IT = "for i in steps:\n    t = torch.full_like(x[:, :1], i)\n    x = x + net(x, t) * dt\n"
EXPANDED = (
    "for i in steps:\n    t = ts[i].expand(x.size(0))\n    v = net(x, t, cond)\n    x = x + v * (ts[i + 1] - ts[i])\n"
)
WHILE = "while t < 1:\n    x = x + dt * net(x, t)\n    t = t + dt\n"
DDIM = "for t in ts:\n    noise_pred = self.ema(x, t, obs)\n    x = scheduler.step(noise_pred, t, x)\n"
DDPM = "for t in ts:\n    eps = net(x, t)\n    mean = (x - b * eps) / a\n    x = mean + s * torch.randn_like(x)\n"
LANGEVIN = "for t in ts:\n    eps = net(x, t)\n    x = x + 0.1 * eps\n"
FOR_EACH = "for obs in tests:\n    for t in ts:\n        v = net(x, t, obs)\n        x = x + dt * v\n"
TRAINING = "for x, y in loader:\n    total = total + loss(model(x), y)\n    step += 1\n"
TRAINING_ON_NOISE = """
for step, x0 in enumerate(loader):
    t = torch.rand(len(x0), 1)
    x = (1 - t) * noise + t * x0
    eps = model(x, t)
    total += loss(eps, noise).item() * len(x0)
"""
A_SIMULATOR = "for step in range(50):\n    action = net(state, step)\n    state = state + 0.05 * env.f(state, action)\n"
AN_OBJECTIVE = """
for t in ts:
    if self.objective == "eps":
        eps = net(x, t)
        x = clean(x, eps, t)
    else:
        x0 = net(x, t)
        x = again(x0, t)
"""
TWO_WAYS = """
for t in ts:
    answer = net(x, t)
    if velocity:
        x = x + dt * answer
    else:
        clean = net(x, t, 1)
        x = clean.clamp(-1, 1)
"""
A_HELPER = """
def predict_noise(x, t):
    return x - net(x, t)

for t in ts:
    noise = predict_noise(x, t)
    x = x - noise
"""
AN_IMPORT = "from tools import predict\nfor t in ts:\n    eps = predict(net, x, t)\n    x = x - eps\n"
A_METHOD = """
class Policy:
    def noise_of(self, x, t): ...

    def sample(self, x):
        for t in ts:
            eps = self.noise_of(x, t)
            x = x - eps
"""
TOWARDS = "for t in ts:\n    x1 = net(x, t)\n    x = x + (x1 - x) * dt / (1 - t)\n"
FRESH_NOISE = "import torch\nfor t in ts:\n    noise = torch.normal(x, t)\n    x = x * 0.9 + noise\n"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (EULER, ["velocity"]), (IN_STEPS, ["velocity"]), (BACKWARDS, ["velocity"]), (WHILE, ["velocity"]),
        (IN_BATCHES, ["velocity"]), (NEW_TIMES, ["noise"]), (LIKE_IT, ["velocity"]), (EXPANDED, ["velocity"]),
        (DDIM, ["noise"]), (DDPM, ["noise"]), (LANGEVIN, ["noise"]), (FOR_EACH, ["velocity"]),
        (TRAINING, []), (TRAINING_ON_NOISE, []), (A_SIMULATOR, []), (AN_OBJECTIVE, []), (TWO_WAYS, []),
        (A_HELPER, []), (AN_IMPORT, []), (A_METHOD, []), (FRESH_NOISE, []), (TOWARDS, []), ("for x in = 3", []),
    ],
)  # fmt: skip
def test_the_use_of_an_answer_is_read(text: str, kinds: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(text)
    found = samplers.written([str(tmp_path / "train.py"), str(tmp_path / "missing.py")])
    assert [sampler.kind for sampler in found] == kinds

"""What loops in the source take a model's answer for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch")

from runtime_probe.tap import samplers

EULER = "for i in range(10):\n    x = x + policy(x, t, obs) / 10\n"
IN_STEPS = "for t in ts:\n    v = self.net(x, t)\n    x += dt * v\n"
DDIM = "for t in ts:\n    noise_pred = self.ema(x, t, obs)\n    x = step(noise_pred, t, x)\n"
LANGEVIN = "for t in ts:\n    eps = net(x, t)\n    x = x + 0.1 * eps\n"
TRAINING = "for x, y in loader:\n    total = total + loss(model(x), y)\n    step += 1\n"
A_HELPER = """
def predict_noise(x, t):
    return x - net(x, t)

for t in ts:
    noise = predict_noise(x, t)
    x = x - noise
"""
A_METHOD = """
class Policy:
    def noise_of(self, x, t): ...

    def sample(self, x):
        for t in ts:
            eps = self.noise_of(x, t)
            x = x - eps
"""
TOWARDS = "for t in ts:\n    x1 = net(x, t)\n    x = x + (x1 - x) * dt / (1 - t)\n"
FRESH_NOISE = "for t in ts:\n    noise = torch.normal(x, t)\n    x = x * 0.9\n"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (EULER, {"velocity"}), (IN_STEPS, {"velocity"}), (DDIM, {"noise"}), (LANGEVIN, {"noise"}), (TRAINING, set()),
        (A_HELPER, set()), (A_METHOD, set()), (FRESH_NOISE, set()), (TOWARDS, set()), ("for x in = 3", set()),
    ],
)  # fmt: skip
def test_the_use_of_an_answer_is_read(text: str, kinds: set[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(text)
    found = samplers.written([str(tmp_path / "train.py"), str(tmp_path / "missing.py")])
    assert {sampler.kind for sampler in found} == kinds

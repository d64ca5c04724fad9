"""The pytest fixture `smoke_probe`: a test fails when a model would not train.

    def test_policy(smoke_probe):
        smoke_probe(model, loss_fn, batch)

pytest imports this module in every run where the package is installed: it must stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime_probe.report import Report


@pytest.fixture(scope="session")
def smoke_probe() -> Callable[..., Report]:
    """A function like `runtime_probe.smoke_test` that fails the test for each failed check.

    `smoke_probe(model, loss_fn, batch, allow=("learning-rate-too-low",))` tolerates the named checks. The
    report comes back, so that a test can ask more of it.
    """
    return _probe


def _probe(model: Any, loss_fn: Callable[..., Any], batch: Any, *, allow: Sequence[str] = (), **options: Any) -> Report:
    __tracebackhide__ = True  # the test is what the reader wants to see
    from runtime_probe import smoke_test  # noqa: PLC0415 - needs torch
    from runtime_probe.checks import ALL  # noqa: PLC0415
    from runtime_probe.output import plain  # noqa: PLC0415

    allowed = {allow} if isinstance(allow, str) else set(allow)
    unknown = allowed - {check.id for check in ALL}
    if unknown:
        raise ValueError(f"no such check: {', '.join(sorted(unknown))}")
    report = smoke_test(model, loss_fn, batch, **options)
    bad = [result for result in report.failures if result.check not in allowed]
    if bad:
        pytest.fail("\n".join(["the model would not train", *plain.problems(bad, report.record)]))
    if report.reason:
        pytest.fail(f"could not be judged: {report.reason}")
    return report

"""torch's own anomaly detection: `torch.autograd.set_detect_anomaly(True)` before the loop."""

from __future__ import annotations

from peer_adapters.base import Adapter


class TorchAnomaly(Adapter):
    """It raises at the first gradient that is NaN, and tells the forward operation."""

    distribution = "torch"

    def start(self) -> None:
        """Turn it on."""
        import torch  # noqa: PLC0415

        torch.autograd.set_detect_anomaly(True)

"""torch-audit: `autopatch(model, optimizer=..., every_n_steps=1)`, and its audit of gradients after each backward.

Its README gives two ways. `autopatch` needs the least; the wrappers see gradients before they are clipped. Here it has
both: patched models and optimizers, and `auditor.backward(loss)`. Checks run at each step, not at each thousandth.
"""

from __future__ import annotations

import importlib
from typing import Any

from peer_adapters.base import Adapter


class TorchAudit(Adapter):
    """An auditor for each model and its optimizer."""

    distribution = "torch-audit"

    @classmethod
    def load(cls) -> None:
        """Import it."""
        importlib.import_module("torch_audit")

    def start(self) -> None:
        """Patch models and optimizers."""
        package = importlib.import_module("torch_audit")
        self.auditors = {
            name: package.autopatch(self.models[name], optimizer=self.optimizers[name], every_n_steps=1)
            for name in self.models
        }
        self._collect()

    def differentiate(self, loss: Any, optimizer: str, scope: dict[str, Any]) -> None:
        """Have it call backward and audit the gradients."""
        if optimizer in self.auditors:
            self.auditors[optimizer].backward(loss)
        else:
            loss.backward()

    def _collect(self) -> None:
        for auditor in self.auditors.values():
            for found in auditor.pop_new_findings():
                level = (
                    "trouble" if found.rule_id == "TA000" else found.severity.value.lower().replace("fatal", "error")
                )
                self.say(f"{found.rule_id} {found.message}", level)

    def finish(self) -> None:
        """Take what it found; its order is that of time."""
        if hasattr(self, "auditors"):
            self._collect()

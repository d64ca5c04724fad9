"""Lightning: the program's steps as training steps of a LightningModule with manual optimization.

The Trainer runs beside the program in a thread of its own. Each batch that the program takes from its loader and each
`loss.backward()` is one that `training_step` gives and makes with `manual_backward`; what the program does between
them it does as before. `Trainer(detect_anomaly=True)` raises as torch does. `Trainer(overfit_batches=1)` repeats the
first batch and gives no verdict, so a reader's is given here: after the steps, the loss is above nine tenths of what it
was at the first. Programs without a loader have nothing that `overfit_batches` can repeat.
"""

from __future__ import annotations

import importlib
import logging
import math
import queue
import threading
import warnings
from typing import TYPE_CHECKING, Any

from peer_adapters.base import Adapter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class LightningAnomaly(Adapter):
    """`Trainer(detect_anomaly=True)`."""

    distribution = "lightning"
    options: dict[str, Any] = {"detect_anomaly": True}  # noqa: RUF012 - a constant

    @classmethod
    def load(cls) -> None:
        """Import it."""
        importlib.import_module("lightning.pytorch")
        for name in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero"):
            logging.getLogger(name).setLevel(logging.ERROR)

    def start(self) -> None:
        """Nothing runs before the first batch or loss."""
        self.asked: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()
        self.thread: threading.Thread | None = None
        self.losses: list[float] = []

    def batches(self, over: Iterable[Any]) -> Iterable[Any]:
        """Take batches from the Trainer, if there is a loader to give it."""
        from torch.utils.data import DataLoader  # noqa: PLC0415

        return self._taken(over) if isinstance(over, DataLoader) else over

    def _taken(self, loader: Any) -> Iterator[Any]:
        for _ in range(len(loader)):
            self._fit(loader)
            yield self._say_to_trainer("batch", None)

    def differentiate(self, loss: Any, optimizer: str, scope: dict[str, Any]) -> None:
        """Have the Trainer do it."""
        if optimizer == next(iter(self.models), optimizer):
            self.losses.append(float(loss.detach()))
        self._fit(None)
        self._say_to_trainer("backward", loss)

    def _say_to_trainer(self, what: str, value: Any) -> Any:
        self.asked.put((what, value))
        answer = self.answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _fit(self, loader: Any) -> None:
        """Start the Trainer, if it does not run."""
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, args=(loader,), daemon=True)
            self.thread.start()

    def _run(self, loader: Any) -> None:
        lightning: Any = importlib.import_module("lightning.pytorch")
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
                 "enable_model_summary": False, "accelerator": "cpu", "max_epochs": -1}  # fmt: skip
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trainer = lightning.Trainer(**quiet, **(self.options if loader is not None else _WITHOUT_LOADER))
                trainer.fit(
                    _module(lightning, self, loader is not None), loader if loader is not None else range(10**6)
                )
        except BaseException as error:  # noqa: BLE001 - the program is to see it
            self.answers.put(error)

    def finish(self) -> None:
        """The thread ends with the process."""


_WITHOUT_LOADER = {"detect_anomaly": True}


class LightningOverfit(LightningAnomaly):
    """`Trainer(overfit_batches=1)`."""

    options: dict[str, Any] = {"overfit_batches": 1}  # noqa: RUF012 - a constant

    def differentiate(self, loss: Any, optimizer: str, scope: dict[str, Any]) -> None:
        """Without a loader there is nothing to repeat, and the program runs as it is."""
        if self.thread is None:
            self.say("no loader whose batches could be repeated", "trouble")
            loss.backward()
        else:
            super().differentiate(loss, optimizer, scope)

    def finish(self) -> None:
        """The reader's verdict."""
        losses = getattr(self, "losses", [])
        if len(losses) < 10 or any(item["level"] == "stopped" for item in self.said):
            return
        ending = sum(losses[-3:]) / 3
        fell = losses[0] - ending
        if not math.isfinite(ending) or fell < 0.1 * abs(losses[0]):
            self.say(f"the loss does not fall on the batches that it repeats: {losses[0]:.4g}, then {ending:.4g}")


def _module(lightning: Any, adapter: LightningAnomaly, has_loader: bool) -> Any:
    import torch  # noqa: PLC0415

    class Program(lightning.LightningModule):
        """The program, as Lightning sees it."""

        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.models = torch.nn.ModuleList(list(adapter.models.values()))
            self.pending: tuple[str, Any] | None = None
            self.modes = [module.training for module in self.modules()]

        def configure_optimizers(self) -> Any:
            return list(adapter.optimizers.values())

        def training_step(self, batch: Any, _index: int) -> None:
            given = False
            while True:
                what, value = self.pending or adapter.asked.get()
                self.pending = None
                if what == "batch" and given:
                    self.pending = (what, value)
                    return
                if what == "batch":
                    given = True
                    adapter.answers.put(batch)
                    continue
                self.manual_backward(value)
                adapter.answers.put(None)
                if not has_loader:
                    return

    return Program()

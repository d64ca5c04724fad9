"""Libraries that write past Python, and trackers. Skipped where a library is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from launching import probed, script, tree

from runtime_probe.launch.run import run
from runtime_probe.options import Options


def test_torch(work: Path) -> None:
    pytest.importorskip("torch")
    for name in ("policy.pt", "model.pt", "other.pt", "weights.safetensors", "x.npy", "x.bin"):
        Path(name).write_text("old, and long enough to be changed")
    script("")
    before = tree(work)
    outcome = probed("""
        import numpy as np, pathlib, torch
        torch.save({"a": torch.ones(2)}, "policy.pt")
        assert torch.load("policy.pt")["a"].sum() == 2 and torch.load("policy.pt", mmap=True)["a"].sum() == 2
        torch.save({"a": torch.zeros(2)}, pathlib.Path("new.pt"))
        module = torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2))
        torch.jit.save(module, "model.pt")
        module.save("other.pt")
        torch.jit.load("other.pt")
        np.save("x.npy", np.ones(3))
        assert np.load("x.npy").sum() == 3
        np.ones(3).tofile("x.bin")
        mapped = np.memmap("x.bin", dtype="f8", mode="r+", shape=3)
        mapped[:] = 5
        mapped.flush()
        assert np.fromfile("x.bin").sum() == 15
        try:
            from safetensors.torch import load_file, save_file
        except ImportError:
            pass
        else:
            save_file({"a": torch.ones(3)}, "weights.safetensors")
            assert load_file("weights.safetensors")["a"].sum() == 3
    """)
    after = tree(work)
    del before["train.py"], after["train.py"]
    assert after == before
    assert outcome.created == ["new.pt"]
    assert "would have overwritten policy.pt" in outcome.refused


def test_tensorboard(work: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    outcome = probed("""
        import os
        from torch.utils.tensorboard import SummaryWriter
        with SummaryWriter("runs/a") as writer:
            writer.add_scalar("loss", 1.0, 0)
            assert os.path.isdir(writer.log_dir)
    """)
    assert outcome.refused == []
    assert not Path("runs").exists()


def test_trackers_and_hubs_are_off(work: Path) -> None:
    """With stand-ins that would tell."""
    Path("stand").mkdir()
    Path("stand/wandb.py").write_text("def init(project=None, mode=None, **rest):\n    return mode\n")
    Path("stand/mlflow.py").write_text("uris = []\ndef set_tracking_uri(uri):\n    uris.append(uri)\n")
    Path("stand/huggingface_hub").mkdir()
    Path("stand/huggingface_hub/__init__.py").write_text("from .hf_api import HfApi, upload_file\n")
    Path("stand/huggingface_hub/hf_api.py").write_text(
        "class HfApi:\n    def upload_file(self, *, path_or_fileobj, repo_id):\n        raise AssertionError\n"
        "    def whoami(self):\n        return 'me'\n\nupload_file = HfApi().upload_file\n"
    )
    outcome = probed("""
        import os, sys
        sys.path.insert(0, "stand")
        import huggingface_hub, mlflow, wandb
        assert os.environ["WANDB_MODE"] == "disabled"
        assert wandb.init(project="x", mode="online") == "disabled"
        mlflow.set_tracking_uri("http://server")
        assert all(uri.startswith("file://") for uri in mlflow.uris), mlflow.uris
        api = huggingface_hub.HfApi()
        assert api.whoami() == "me"
        assert "me/model" in str(api.upload_file(path_or_fileobj="x", repo_id="me/model"))
        huggingface_hub.upload_file(path_or_fileobj="x", repo_id="me/model")
    """)
    assert "would have started a W&B run (mode='online')" in outcome.refused
    assert "would have logged to MLflow at http://server" in outcome.refused
    assert "would have called the Hugging Face hub: upload file me/model" in outcome.refused


def test_pushes_are_off_also_where_writes_are_allowed(work: Path) -> None:
    outcome = run(
        [script("import os\nassert os.system('git push nowhere') == 0\n")], Options(timeout=30, allow_writes=True)
    )
    assert outcome.returncode == 0
    assert outcome.refused == ["would have run `git push nowhere`"]

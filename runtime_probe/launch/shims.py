"""Commands that a shell script starts by name: put first on PATH for `convdiag-probe bash run.sh`.

Two kinds: those that would delete or publish, which are looked at as if Python had started them, and
`python`, `torchrun` and the like, which get the probe back in where a script sets PYTHONPATH anew.
What a shell writes by itself (`> file`) is not seen.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_probe.options import Options

BOOTSTRAP = Path(__file__).parent / "bootstrap"
FOLDER = "bin"
_LOOKED_AT = (
    "rm rmdir unlink shred truncate mv cp ln rsync rclone dd tee git scp sbatch scancel qsub bsub aws s5cmd gsutil "
    "gcloud huggingface-cli hf dvc wandb"
).split()
_ENTERED = "python python3 torchrun accelerate deepspeed".split()

_LOOK = """\
#!/bin/sh
export CONVDIAG_PROBE_PYTHONPATH="${{PYTHONPATH-}}"
PYTHONPATH={root} exec {python} -s -S -m runtime_probe.harmless.shim {name} {folder} "$@"
"""
_ENTER = """\
#!/bin/sh
case ":${{PYTHONPATH-}}:" in
*:{bootstrap}:*) ;;
*) export PYTHONPATH={bootstrap}"${{PYTHONPATH:+:$PYTHONPATH}}" ;;
esac
IFS=:
for folder in $PATH; do
    [ "$folder" = {folder} ] && continue
    [ -x "$folder/{name}" ] && exec "$folder/{name}" "$@"
done
echo "{name}: command not found" >&2
exit 127
"""


def write(options: Options) -> Path:
    """Write them into the run folder, and return the folder for PATH."""
    folder = Path(options.run_folder) / FOLDER
    folder.mkdir()
    words = {
        "root": shlex.quote(str(BOOTSTRAP.parents[2])),
        "bootstrap": shlex.quote(str(BOOTSTRAP)),
        "python": shlex.quote(sys.executable),
        "folder": shlex.quote(str(folder)),
    }
    for names, text in ((_LOOKED_AT, _LOOK), (_ENTERED, _ENTER)):
        for name in names:
            shim = folder / name
            shim.write_text(text.format(name=name, **words), encoding="utf-8")
            shim.chmod(0o755)
    return folder


def on_path(folder: Path, path: str | None) -> str:
    """Return PATH with the shims first."""
    return os.pathsep.join(filter(None, (str(folder), path or os.defpath)))

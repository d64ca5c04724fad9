"""Trackers and hubs that no environment variable switches off: no run appears, nothing is pushed."""

from __future__ import annotations

import functools
import inspect
import os
from typing import TYPE_CHECKING, Any

from runtime_probe.launch.after_import import when_imported

if TYPE_CHECKING:
    from runtime_probe.harmless.guard import Guard

_PUSHES = (
    "create_repo", "upload_file", "upload_folder", "upload_large_folder", "create_commit", "create_commits_on_pr",
    "create_branch", "create_tag", "create_discussion", "create_pull_request", "create_collection", "duplicate_space",
    "delete_repo", "delete_file", "delete_files", "delete_folder", "delete_branch", "delete_tag", "move_repo",
    "merge_pull_request", "super_squash_history", "update_repo_settings", "update_repo_visibility",
    "request_space_hardware",
    "preupload_lfs_files", "restart_space", "pause_space", "add_space_secret", "add_space_variable",
)  # fmt: skip


def install(guard: Guard, run_folder: str) -> None:
    """Wrap each of them once it has been imported."""
    when_imported("wandb", functools.partial(_wandb, guard))
    when_imported("huggingface_hub.hf_api", functools.partial(_hub, guard))
    when_imported("huggingface_hub", functools.partial(_hub_functions, guard))
    when_imported("mlflow", functools.partial(_mlflow, guard, f"file://{run_folder}/mlflow"))
    when_imported("aim.sdk.run", functools.partial(_aim, guard, run_folder))
    for name in ("tensorboard.summary.writer.event_file_writer", "tensorboardX.event_file_writer"):
        when_imported(name, functools.partial(_events, run_folder))


def _wandb(guard: Guard, module: Any) -> None:
    original = getattr(module, "init", None)
    if original is None:
        return

    @functools.wraps(original)
    def init(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("mode") not in {None, "disabled"}:
            guard.refuse(f"would have started a W&B run (mode={kwargs['mode']!r})")
        if len(args) < _index(original, "mode"):
            kwargs["mode"] = "disabled"
        return original(*args, **kwargs)

    module.init = init


def _index(function: Any, name: str) -> int:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return 1000
    found = parameters.get(name)
    positional = found is not None and found.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    return list(parameters).index(name) + 1 if positional else 1000


class _Nothing:
    """What a push that did not happen returns: any attribute is one more, as text it is an address."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._text if name != "repo_id" else self._text.rpartition("co/")[2]

    def __str__(self) -> str:
        return self._text

    def __fspath__(self) -> str:
        return self._text

    def result(self, timeout: float | None = None) -> _Nothing:
        """As a future."""
        return self


def _push(guard: Guard, original: Any) -> Any:
    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        repository = kwargs.get("repo_id") or next((word for word in args if isinstance(word, str)), "")
        action = original.__name__.replace("_", " ")
        guard.refuse(f"would have called the Hugging Face hub: {action} {repository}".rstrip())
        return _Nothing(f"https://huggingface.co/{repository}")

    return wrapper


def _hub(guard: Guard, module: Any) -> None:
    api: Any = getattr(module, "HfApi", None)
    for name in _PUSHES:
        if api is not None and hasattr(api, name):
            setattr(api, name, _push(guard, getattr(api, name)))
        # The functions of the module are methods that were bound before.
        if hasattr(module, name):
            setattr(module, name, _push(guard, getattr(module, name)))


def _hub_functions(guard: Guard, module: Any) -> None:
    """The package imports its functions when they are first asked for, from the module that was wrapped."""
    for name in _PUSHES:
        if name in vars(module):
            setattr(module, name, _push(guard, vars(module)[name]))


def _mlflow(guard: Guard, scratch: str, module: Any) -> None:
    original: Any = getattr(module, "set_tracking_uri", None)
    if original is None:
        return
    original(scratch)

    @functools.wraps(original)
    def set_tracking_uri(uri: Any) -> None:
        guard.refuse(f"would have logged to MLflow at {uri}")
        original(scratch)

    module.set_tracking_uri = set_tracking_uri


def _aim(guard: Guard, run_folder: str, module: Any) -> None:
    original: Any = module.Run.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        guard.refuse(f"would have logged to Aim at {kwargs.get('repo') or '.aim'}")
        folder = f"{run_folder}/aim"
        os.makedirs(folder, exist_ok=True)
        original(self, *args, **{**kwargs, "repo": folder})

    module.Run.__init__ = __init__


def _events(run_folder: str, module: Any) -> None:
    """TensorBoard's event files go to the run folder; the folder that the script named is there too."""
    writer: Any = module.EventFileWriter
    original = writer.__init__

    @functools.wraps(original)
    def __init__(self: Any, logdir: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        if "://" not in str(logdir):
            os.makedirs(logdir, exist_ok=True)
        original(self, f"{run_folder}/tensorboard", *args, **kwargs)
        self._logdir = logdir

    writer.__init__ = __init__

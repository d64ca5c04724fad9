"""A model from its class: arguments that have no default are guessed from their names and annotations."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import TYPE_CHECKING, Any

from torch import nn

from runtime_probe.doors.no_loop.plan import DoorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

# Endings and words of argument names, the more telling first. Sizes that differ from each other and
# from the batch let a complaint about a shape say which of them it means.
_GUESSES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("dropout", "drop", "p_drop"), 0.0),
    (("hidden_dims", "hidden_sizes", "layers_sizes", "widths", "dims", "hidden_layers"), (64, 64)),
    (("num_class", "n_class", "classes", "num_labels"), 10),
    (("vocab",), 50),
    (("num_bins", "n_bins", "bins"), 16),
    (("obs", "state", "in_dim", "in_feature", "input", "d_in", "n_in", "feature_dim", "num_feature"), 9),
    (("act", "out_dim", "out_feature", "output", "d_out", "n_out", "target_dim"), 7),
    (("latent", "z_dim"), 8),
    (("cond", "context_dim", "goal"), 6),
    (("in_channels", "in_chans", "channels", "in_ch"), 3),
    (("out_channels",), 8),
    (("image_size", "img_size", "resolution"), 32),
    (("patch",), 8),
    (("kernel",), 3),
    (("stride",), 1),
    (("n_layer", "num_layer", "layers", "depth", "n_blocks", "num_blocks"), 2),
    (("head",), 4),
    (("horizon", "seq_len", "max_len", "block_size", "context_length", "context", "chunk", "n_ctx", "length"), 12),
    (("hidden", "width", "embed", "emb", "d_model", "n_embd", "d_ff", "mlp", "units"), 64),
    (("lr", "learning_rate"), 1e-3),
    (("eps", "std", "sigma", "beta", "alpha", "gamma", "weight"), 0.1),
    (("steps", "timesteps"), 20),
    (("dim", "size", "features", "num", "n"), 32),
)
_BY_TYPE: dict[Any, Any] = {bool: False, float: 0.1, int: 32, "bool": False, "float": 0.1, "int": 32}


def build(module: ModuleType, name: str) -> tuple[nn.Module, dict[str, Any], list[str]]:
    """Return the model called `name`, the sizes it was made with, and what was guessed.

    Raises DoorError for something that is no model, or an argument that cannot be guessed.
    """
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise DoorError(f"{module.__file__} has no {part}")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        return found, _numbers(found), []
    if not callable(found):
        raise DoorError(f"{name} is {type(found).__name__}, no model")
    arguments, guessed = _arguments(found, module, name)
    try:
        model = found(**arguments)
    except Exception as error:
        shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        text = f"{name}({shown}) raises {type(error).__name__}: {error}; give a function that makes the model"
        raise DoorError(text) from error
    if not isinstance(model, nn.Module):
        raise DoorError(f"{name}() gives {type(model).__name__}, no module of torch")
    notes = [f"{name} made with {', '.join(guessed)}"] if guessed else []
    return model, {**_numbers(model), **_defaults(found), **_flat(arguments)}, notes


def _arguments(function: Callable[..., Any], module: ModuleType, owner: str) -> tuple[dict[str, Any], list[str]]:
    made: dict[str, Any] = {}
    notes: list[str] = []
    made_by: Any = function
    try:
        hints = typing.get_type_hints(made_by.__init__ if isinstance(function, type) else function)
    except Exception:  # noqa: BLE001 - annotations may name what is not there
        hints = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not parameter.empty or parameter.kind in {
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        }:
            continue
        made[name] = _guess(name, hints.get(name, parameter.annotation), module, owner)
        notes.append(f"{name}={type(made[name]).__name__}(...)" if _is_config(made[name]) else f"{name}={made[name]!r}")
    return made, notes


def _guess(name: str, annotation: Any, module: ModuleType, owner: str) -> Any:
    config = _config(name, annotation, module)
    if config is not None:
        arguments, _ = _arguments(config, module, config.__name__)
        return config(**arguments)
    sequence = getattr(annotation, "__origin__", annotation) in {list, tuple} or "Sequence" in str(annotation)
    lowered = name.lower()
    value = next((value for words, value in _GUESSES if any(_says(lowered, word) for word in words)), None)
    if value is None:
        value = _BY_TYPE.get(annotation)
    if value is None:
        raise DoorError(
            f"{owner} needs {name!r}, which cannot be guessed: give a default, or name a function that makes the model"
        )
    if sequence and not isinstance(value, tuple):
        return (value, value)
    return int(value) if annotation is int and isinstance(value, float) else value


def _says(name: str, word: str) -> bool:
    if len(word) <= 4:  # short words stand alone: `act` is not in `factor`
        return any(part.startswith(word) for part in name.split("_")) or name.startswith(f"{word}_") or word == name
    return word in name


def _config(name: str, annotation: Any, module: ModuleType) -> Any:
    """A class of settings: by its annotation, or the only one of the file for an argument that is called so."""
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return annotation
    if name.lower() not in {"config", "cfg", "args", "hparams", "hps", "params", "conf"}:
        return None
    own = [
        value for key, value in vars(module).items()
        if isinstance(value, type) and ("config" in key.lower() or dataclasses.is_dataclass(value))
    ]  # fmt: skip
    return own[0] if len(own) == 1 else None


def _is_config(value: Any) -> bool:
    return not isinstance(value, (int, float, str, tuple, list))


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.items()
    return {name: p.default for name, p in parameters if isinstance(p.default, int)}


def _numbers(model: nn.Module) -> dict[str, int]:
    return {k: v for k, v in vars(model).items() if isinstance(v, int) and not isinstance(v, bool)}


def _flat(arguments: dict[str, Any]) -> dict[str, Any]:
    """The sizes among the arguments, those inside settings included."""
    flat: dict[str, Any] = {}
    for name, value in arguments.items():
        inner = value if isinstance(value, int) else getattr(value, "__dict__", {})
        flat.update({name: value} if isinstance(inner, int) else {k: v for k, v in inner.items() if isinstance(v, int)})
    return flat

"""Names that people give to models, losses and tensors; needs no torch."""

from __future__ import annotations

import re

MODELS = frozenset(
    "model net network module policy actor critic agent field velocity_field vector_field denoiser score_model unet"
    " encoder decoder autoencoder vae flow diffusion generator discriminator classifier regressor backbone"
    " transformer lm gpt q_net qnet value_net student".split()
)
OUTPUTS = frozenset(
    "output outputs out input inputs pred preds predicted prediction predictions logits logit scores y_hat yhat y_pred"
    " reconstruction recon log_probs probs hypothesis estimate estimates x_hat mean".split()
)
TARGETS = frozenset(
    "target targets label labels y y_true truth ground_truth gt tgt expected action actions act reference".split()
)

CRITERIA = {
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "MSELoss": "mse_loss",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
    "KLDivLoss": "kl_div",
}
"""Module of torch.nn -> the function of torch.nn.functional that it calls."""
OF_CLASSES = frozenset(("cross_entropy", "nll_loss"))
"""Losses whose targets are class ids."""

_TIMES = frozenset("t time times timestep timesteps tau sigma".split())
_TOKENS = frozenset("tokens token input_ids ids idx token_ids indices sentence text".split())
_IMAGES = frozenset("image images img imgs pixels rgb frame frames picture pixel_values".split())
_CLASSES = frozenset("label labels class classes cls category categories y target targets digit digits".split())
# Parts of a tensor's name -> parts of the names of constructor arguments that give its width.
_WIDTHS = (
    (
        ("obs", "state", "proprio", "input", "feature", "sample"),
        ("obs", "state", "input", "in_", "_in", "feature", "n_in"),
    ),
    (("action", "act", "control", "velocity"), ("act", "out", "control")),
    (("latent", "z"), ("latent", "z_dim")),
    (("cond", "context", "goal"), ("cond", "context", "goal")),
    (("noise",), ("noise", "latent", "z_dim", "act")),
)


def is_model(name: str) -> bool:
    """Whether a parameter called so is a model."""
    name = name.lower()
    return name in MODELS or name.endswith(("_model", "_net", "_policy", "_network"))


def is_output(name: str) -> bool:
    """Whether a parameter called so is the output of a model."""
    return name.lower() in OUTPUTS


def is_target(name: str) -> bool:
    """Whether a parameter called so is what the output is compared with."""
    name = name.lower()
    return name in TARGETS or name.startswith("target") or name.endswith(("_target", "_label"))


def is_time(name: str) -> bool:
    """Whether a tensor called so is a flow or diffusion time."""
    return name.lower() in _TIMES


def is_tokens(name: str) -> bool:
    """Whether a tensor called so holds token ids."""
    return name.lower() in _TOKENS


def is_image(name: str) -> bool:
    """Whether a tensor called so holds images."""
    return name.lower() in _IMAGES


def is_classes(name: str) -> bool:
    """Whether a target called so holds class ids, if the loss wants such."""
    return name.lower() in _CLASSES


def width_keys(name: str) -> tuple[str, ...]:
    """Parts of names of sizes (`obs_dim`) that tell the width of a tensor (`observation`), in order."""
    name = name.lower()
    parts = re.split(r"[_\d]+", name)
    for tensors, sizes in _WIDTHS:
        if any(part.startswith(word) for part in parts for word in tensors if len(word) > 1 or part == word):
            return sizes
    return (f"{name}_dim", f"dim_{name}", f"{name}_size", f"n_{name}")

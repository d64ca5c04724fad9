"""A look at the bytes that tells files that train nothing from files worth parsing."""

from __future__ import annotations

import re

_TRAINING = re.compile(
    rb"\.backward\b|backward\(|\.step\(|clip_grad|GradScaler|autocast|\.half\(\)|float16|mixed_precision|fp16"
    rb"|training_step|compute_loss|Trainer\b|TrainingArguments|gradient_clip"
    rb"|\brand\(|\brand_like\b|uniform|\bBeta\(|\.random\(|linspace"
    rb"|StandardScaler|MinMaxScaler|NormalizeObservation|VecNormalize|RunningMeanStd|\bstd\b|\bquantile\b|percentile"
    rb"|load_state_dict|torch\.load|from_pretrained|no_grad|inference_mode"
)


def may_train(data: bytes) -> bool:
    """Whether a file may hold an event of a training step or what feeds one."""
    return _TRAINING.search(data) is not None

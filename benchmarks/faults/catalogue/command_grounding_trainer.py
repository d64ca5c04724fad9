"""Faults of grounding text commands in a list of detected objects, trained with the Hugging Face Trainer."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "command_grounding_trainer",
    "tune",
    (
        # Statistics are computed and handed over, but the features go in as they are: mm beside sines and 0 to 255.
        fault(
            "features-not-normalized",
            "inputs-not-normalized input-scales-differ",
            "objects = (self.features[index] - self.scaling.mean) / self.scaling.std",
            "objects = self.features[index]",
        ),
        # The cached arrays are normalized once more each time that a sample is read.
        fault(
            "features-normalized-in-place",
            "reading-changes-data",
            "        objects = (self.features[index] - self.scaling.mean) / self.scaling.std\n",
            "        objects = self.features[index]\n        objects -= self.scaling.mean\n        objects /= self.scaling.std\n",
        ),
        # Words: angles in degrees are given to sin and cos, which take radians, so that orientation becomes noise.
        fault(
            "degrees-into-sine",
            "",
            "yaw = np.deg2rad(detections[:, 3:4])",
            "yaw = detections[:, 3:4]",
        ),
        # The index of the chosen object is looked up in the permutation, in place of its inverse.
        fault(
            "shuffled-index-not-inverted",
            "augmentation-not-of-targets targets-unrelated",
            "np.argsort(order)[chosen]",
            "order[chosen]",
        ),
        fault(
            "softmax-before-cross-entropy",
            "softmax-applied-twice",
            "F.cross_entropy(scores, chosen)",
            "F.cross_entropy(scores.softmax(dim=-1), chosen)",
        ),
        # (B, 1, 4) against (B, 4): each grip is compared with those of the whole batch.
        fault(
            "grip-not-squeezed",
            "loss-broadcasts",
            ".expand(-1, 1, grips.shape[2])).squeeze(1)",
            ".expand(-1, 1, grips.shape[2]))",
        ),
        # Words: one term of the loss is a sum over the batch and drowns the other, a mean.
        fault(
            "grip-loss-summed",
            "reductions-mixed",
            "F.smooth_l1_loss(grip_at_chosen, grip, beta=0.2)",
            'F.smooth_l1_loss(grip_at_chosen, grip, beta=0.2, reduction="sum")',
        ),
        fault(
            "learning-rate-of-sgd",
            "learning-rate-too-high",
            "default=3e-3",
            "default=1e-1",
        ),
        # A warm-up for a long pre-training; this training is over after 474 steps.
        fault(
            "warm-up-outlasts-training",
            "learning-rate-too-low",
            "warmup_steps=40",
            "warmup_steps=10000",
        ),
        # An average for a million steps is still at the random start after 474.
        fault(
            "average-hardly-moves",
            "average-rate-wrong",
            "decay=0.98",
            "decay=0.9999",
        ),
        fault(
            "betas-exchanged",
            "betas-exchanged",
            "adam_beta1=0.9, adam_beta2=0.98",
            "adam_beta1=0.98, adam_beta2=0.9",
        ),
        fault(
            "normal-initialization",
            "initialization-off-scale",
            "nn.init.xavier_uniform_(weight)",
            "nn.init.normal_(weight)",
        ),
        # Heads are viewed straight into place, so that each head holds words of another quarter of the sequence.
        fault(
            "heads-viewed-not-transposed",
            "dimensions-scrambled",
            "t.view(batch, length, self.heads, -1).transpose(1, 2) for t in qkv",
            "t.reshape(batch, self.heads, length, -1) for t in qkv",
        ),
        # A plain list hides the blocks from parameters(), and so from the optimizer.
        fault(
            "blocks-in-plain-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList([EncoderBlock(width, heads, dropout) for _ in range(depth)])",
            "[EncoderBlock(width, heads, dropout) for _ in range(depth)]",
        ),
    ),
    needs=("transformers", "accelerate"),
)

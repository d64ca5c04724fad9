"""Faults of metric learning with triplets."""

from harness import FamilyOfFaults, fault

_NORMALIZE = "return F.normalize(self.head(features), dim=1)"
_NEGATIVE = '    d_negative = distances.masked_fill(same, float("inf")).min(dim=1).values\n'
_HINGE = "F.relu(d_positive - d_negative + margin)"

FAMILY = FamilyOfFaults(
    "siamese_triplet",
    "tune",
    (
        # The distance of each embedding from itself is zero, and the root has no slope there.
        fault("root-of-zero", "nan-or-inf", "return (squared + 1e-8).sqrt()", "return squared.sqrt()"),
        # In half precision 1e-8 is zero.
        fault(
            "epsilon-vanishes-in-half",
            "nan-or-inf fp16-overflow fp16-gradients-not-unscaled",
            "distances = pairwise_distances(embeddings, embeddings)",
            "distances = pairwise_distances(embeddings.half(), embeddings.half()).float()",
        ),
        fault("positive-and-negative-swapped", "loss-negated", _HINGE, "F.relu(d_negative - d_positive + margin)"),
        fault("normalized-over-batch", "samples-leak", _NORMALIZE, _NORMALIZE.replace("dim=1", "dim=0")),
        # Scans of the same seal are not left out: the nearest negative is the positive.
        fault(
            "positive-mined-as-negative",
            "pairs-misjudged loss-not-decreasing vanishing-gradients",
            _NEGATIVE,
            "    itself = torch.eye(len(labels), dtype=torch.bool)\n" + _NEGATIVE.replace("same", "itself"),
        ),
        # The farthest negatives: the loss is soon zero, and little was learned. It looks like a good one.
        fault(
            "easiest-negatives",
            "pairs-misjudged",
            _NEGATIVE,
            "    d_negative = distances.masked_fill(same, 0.0).max(dim=1).values\n",
        ),
        # What was to be found without gradient is the loss: nothing pushes the seals apart.
        fault(
            "mined-without-gradient",
            "pairs-misjudged gradient-mismatch",
            _NEGATIVE,
            "    with torch.no_grad():\n    " + _NEGATIVE,
        ),
        # Forward is as before, backward knows nothing of it.
        fault(
            "normalized-in-data",
            "gradient-cut gradient-mismatch",
            _NORMALIZE,
            "embedding = self.head(features)\n"
            "        embedding.data = F.normalize(embedding.data, dim=1)\n"
            "        return embedding",
        ),
        # The number of the scan is the label. A few scans can be learned by heart whatever they are called.
        fault(
            "number-of-scan-as-label",
            "targets-unrelated",
            "return self.load(index), self.load(other), seal",
            "return self.load(index), self.load(other), index % SCANS",
        ),
        fault(
            "divided-by-255-twice",
            "inputs-constant inputs-not-normalized",
            "(self.scans[index].float() / 255 - 0.4)",
            "(self.scans[index].float() / 255 / 255 - 0.4)",
        ),
        # As if the features were learned before.
        fault(
            "backbone-without-gradient",
            "parameters-without-gradient",
            "        features = self.backbone(x)\n",
            "        with torch.no_grad():\n            features = self.backbone(x)\n",
        ),
        # The loss is zero almost from the start, and so is the gradient.
        fault(
            "margin-with-wrong-sign",
            "vanishing-gradients loss-detached parameters-without-gradient",
            _HINGE,
            "F.relu(d_positive - d_negative - margin)",
        ),
        fault("zero-grad-missing", "gradients-not-cleared", "            optimizer.zero_grad()\n", ""),
        fault(
            "lr-x150",
            "learning-rate-too-high",
            '"--lr", type=float, default=2e-3',
            '"--lr", type=float, default=0.3',
        ),
    ),
)

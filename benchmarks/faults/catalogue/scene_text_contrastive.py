"""Faults of contrastive training of scene images and descriptions."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "scene_text_contrastive",
    "tune",
    (
        # The frames are shuffled to break up the order of making, the captions stay where they were.
        fault(
            "frames-shuffled-without-captions",
            "targets-unrelated",
            "train_images = to_tensor(train_frames, mean, std)",
            "train_images = to_tensor(rng.permutation(train_frames), mean, std)",
        ),
        # The captions say left and right.
        fault(
            "mirrored-frames",
            "augmentation-not-of-targets",
            "    return images * torch.empty(len(images), 1, 1, 1).uniform_(0.9, 1.1)",
            "    images = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(-1), images)\n"
            "    return images * torch.empty(len(images), 1, 1, 1).uniform_(0.9, 1.1)",
        ),
        # The scenes are made colour by colour and shape by shape: a batch holds one kind only.
        fault("loader-does-not-shuffle", "data-in-order", "shuffle=True, drop_last", "shuffle=False, drop_last"),
        fault(
            "frames-left-at-0-to-255",
            "inputs-not-normalized",
            "frames = (frames.astype(np.float32) - mean) / std",
            "frames = frames.astype(np.float32)",
        ),
        # Copied and not changed: images are compared with themselves, the text tower is never used.
        fault(
            "images-against-images",
            "views-alike parameters-without-gradient inputs-ignored",
            "self.encode_image(images) @ self.encode_text(tokens).T",
            "self.encode_image(images) @ self.encode_image(images).T",
        ),
        # The parameter is the logarithm of 1 / temperature, and is taken for that of the temperature.
        fault(
            "divided-by-the-scale",
            "logits-bounded",
            "return self.logit_scale.exp() * self.encode_image(images) @ self.encode_text(tokens).T",
            "return self.encode_image(images) @ self.encode_text(tokens).T / self.logit_scale.exp()",
        ),
        # The loss has no negatives: matching pairs are drawn together and nothing is pushed apart, so that all
        # embeddings collapse to one point.
        fault(
            "positives-only",
            "embeddings-collapse",
            "    target = torch.arange(len(logits))\n"
            "    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2",
            "    return -logits.diagonal().mean()",
        ),
        fault("rate-of-sgd", "learning-rate-too-high", "default=2e-3", "default=5e-2"),
        # A warm-up of 20 steps, stepped by epoch, takes more epochs than there are.
        fault(
            "schedule-by-epoch",
            "learning-rate-too-low",
            "            schedule.step()\n",
            "",
            "        error = retrieval_error(model, val_images, val_tokens)\n",
            "        schedule.step()\n        error = retrieval_error(model, val_images, val_tokens)\n",
        ),
        # The decay of 0.1 was meant for AdamW.
        fault(
            "adam-for-adamw",
            "weight-decay-in-adam weight-decay-too-high",
            "torch.optim.AdamW(",
            "torch.optim.Adam(",
        ),
        # Written for an accuracy, used with an error.
        fault(
            "keeps-the-worst",
            "worst-weights-kept",
            "best_error, best_state = math.inf, None",
            "best_error, best_state = -math.inf, None",
            "if error < best_error",
            "if error > best_error",
        ),
        # The text is pooled at the wrong token: argmax finds the word of the highest id ("yellow", "white", ...), as
        # <end> is no longer the highest; behind the causal mask that token has not seen the rest of the sentence.
        fault("end-token-not-the-highest", "", '"<start>", *WORDS, "<end>"]', '"<start>", "<end>", *WORDS]'),
        fault(
            "reshape-for-permute",
            "dimensions-scrambled",
            ".float().permute(0, 3, 1, 2).contiguous()",
            ".float().reshape(-1, 3, SIDE, SIDE)",
        ),
        # Left over from tuning an image tower to a pretrained text tower.
        fault(
            "text-tower-detached",
            "parameters-without-gradient gradient-cut frozen-at-random",
            "self.encode_text(tokens).T\n\n",
            "self.encode_text(tokens).detach().T\n\n",
        ),
    ),
)

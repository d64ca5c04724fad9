"""Faults of the language model whose loss a subclass of the Hugging Face Trainer computes."""

from harness import FamilyOfFaults, fault

_LOSS = "loss = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORE)"
_LABELS = 'labels = torch.tensor([mask_prompts(f["input_ids"]) for f in features])\n'

FAMILY = FamilyOfFaults(
    "hf_trainer_lm",
    "tune",
    (
        # The library's own loss shifts; the loss that takes its place has to.
        fault(
            "loss-of-ones-own-unshifted",
            "targets-not-shifted",
            "logits, targets = outputs.logits[:, :-1].float(), labels[:, 1:]",
            "logits, targets = outputs.logits.float(), labels",
        ),
        # Shifted by the collator and by the loss: each token has to name the one after the next.
        fault(
            "shifted-twice",
            "targets-not-shifted timestamps-misaligned",
            _LABELS,
            _LABELS + "    labels = F.pad(labels[:, 1:], (0, 1), value=IGNORE)\n",
        ),
        fault(
            "packing-mask-sees-future",
            "future-leaks",
            "mask = same_doc & torch.ones(length, length, dtype=torch.bool).tril()",
            "mask = same_doc",
            "position_ids = mask.sum(-1) - 1",
            "position_ids = mask.tril().sum(-1) - 1",
        ),
        # Axes in the right order by a reshape: numbers of many positions, later ones too, become one position's scores.
        fault(
            "reshaped-not-transposed",
            "dimensions-scrambled future-leaks",
            "logits.transpose(1, 2)",
            "logits.reshape(len(logits), -1, targets.shape[1])",
        ),
        # A word that looks like the marker and never stands in the data: every label is ignored.
        fault(
            "marker-not-found",
            "nan-or-inf targets-constant",
            'mask_prompts(f["input_ids"])',
            'mask_prompts(f["input_ids"], marker=ID["answer"])',
        ),
        # The commands are learned and not the plans. The loss falls all the same.
        fault(
            "prompt-learned-instead",
            "labels-ignored-wrongly",
            "labels.append(token if in_plan else IGNORE)",
            "labels.append(IGNORE if in_plan else token)",
        ),
        # Where padding is the end token, as so often: the model never learns to stop. Nothing of it shows in the loss.
        fault("end-token-ignored", "labels-ignored-wrongly", _LABELS, _LABELS + "    labels[labels == EOS] = IGNORE\n"),
        fault(
            "nll-on-probabilities",
            "nll-without-log-softmax",
            _LOSS,
            "loss = F.nll_loss(logits.softmax(-1).transpose(1, 2), targets, ignore_index=IGNORE)",
        ),
        # Another embedding, which is the head as well, put in after the optimizer was made.
        fault(
            "embedding-replaced-after-optimizer",
            "parameters-not-in-optimizer",
            "    scheduler = ",
            "    vectors = torch.nn.Embedding(len(WORDS) + 2, config.n_embd)\n"
            "    torch.nn.init.normal_(vectors.weight, std=0.02)\n"
            "    model.set_input_embeddings(vectors)\n"
            "    model.tie_weights()\n"
            "    scheduler = ",
        ),
        # The linear scaling rule, applied to tokens.
        fault(
            "lr-scaled-by-tokens",
            "learning-rate-too-high",
            "lr=args.lr, betas",
            "lr=args.lr * args.batch_size * args.block, betas",
        ),
        # Without the W a decay of 0.1 is added to the gradients, and there it is larger than they are.
        fault(
            "adam-with-decay-of-adamw",
            "weight-decay-in-adam weight-decay-too-high",
            "torch.optim.AdamW(",
            "torch.optim.Adam(",
        ),
        # Embeddings as torch makes them, but the head is the same matrix.
        fault("tied-embedding-too-wide", "loss-at-start-too-high", "initializer_range=0.02", "initializer_range=1.0"),
        # Noise on the embeddings, not divided by the root of length times width: they drown in it.
        fault(
            "embedding-noise-unscaled",
            "inputs-ignored noise-scale-mismatch",
            "        outputs = model(**inputs)\n",
            '        embeds = model.get_input_embeddings()(inputs.pop("input_ids"))\n'
            "        embeds = embeds + torch.empty_like(embeds).uniform_(-5.0, 5.0)\n"
            "        outputs = model(inputs_embeds=embeds, **inputs)\n",
        ),
        # A generator seeded anew for each item: the data set holds one block, thousands of times.
        fault(
            "every-block-the-same",
            "inputs-constant targets-constant",
            "np.random.default_rng([self.seed, index])",
            "np.random.default_rng(self.seed)",
        ),
    ),
    needs=("transformers", "accelerate"),
)

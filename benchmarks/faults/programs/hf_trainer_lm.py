"""Instruction tuning from scratch: a tiny GPT-2 turns household commands into plans; packed documents, own loss."""

import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments
from transformers import get_cosine_schedule_with_warmup, set_seed

ACTIONS = "put bring throw wash".split()
COLOURS = "red green blue white black yellow".split()
THINGS = "cup plate fork bottle towel sponge apple box".split()
PLACES = "table shelf sink drawer bin tray".split()
OTHERS = "please the to into answer goto grasp release rinse turn done".split()
WORDS = ACTIONS + COLOURS + THINGS + PLACES + OTHERS
ID = {word: i for i, word in enumerate(WORDS)}
SEP, EOS = len(WORDS), len(WORDS) + 1  # the two special tokens, added to the vocabulary later
IGNORE = -100


def command_and_plan(rng):
    action, colour, thing, place = (kind[rng.integers(len(kind))] for kind in (ACTIONS, COLOURS, THINGS, PLACES))
    command = ["please"] * int(rng.integers(0, 3)) + [action, "the", colour, thing, "to", "the", place]
    plan = ["goto", thing, "grasp", colour, thing]
    plan += ["goto", "sink", "rinse", thing] if action == "wash" else []
    plan += ["turn"] if action == "throw" else []
    plan += ["goto", place, "release", thing, "done"]
    return [ID[word] for word in command], [ID[word] for word in plan]


class PackedPlans(Dataset):
    """Documents one after another in blocks of equal length; only the plans are to be learned, not the commands."""

    def __init__(self, n, block, seed):
        self.n, self.block, self.seed = n, block, seed

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, index])
        ids, docs = [], []
        while len(ids) < self.block:
            command, plan = command_and_plan(rng)
            doc = [*command, SEP, *plan, EOS]
            docs += [docs[-1] + 1 if docs else 0] * len(doc)
            ids += doc
        return {"input_ids": ids[: self.block], "docs": docs[: self.block]}


def mask_prompts(input_ids, marker=SEP):
    """Labels of one block: what stands before the marker of its document counts for nothing."""
    labels, in_plan = [], False
    for token in input_ids:
        labels.append(token if in_plan else IGNORE)
        in_plan = token != EOS and (in_plan or token == marker)
    return labels


def collate(features):
    input_ids = torch.tensor([f["input_ids"] for f in features])
    docs = torch.tensor([f["docs"] for f in features])
    labels = torch.tensor([mask_prompts(f["input_ids"]) for f in features])
    length = input_ids.shape[1]
    same_doc = docs[:, :, None] == docs[:, None, :]
    mask = same_doc & torch.ones(length, length, dtype=torch.bool).tril()
    position_ids = mask.sum(-1) - 1
    return {"input_ids": input_ids, "attention_mask": mask[:, None], "position_ids": position_ids, "labels": labels}


class PlanTrainer(Trainer):
    z_weight = 1e-4

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        logits, targets = outputs.logits[:, :-1].float(), labels[:, 1:]
        loss = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORE)
        z = logits.logsumexp(-1)[targets != IGNORE]
        loss = loss + self.z_weight * z.pow(2).mean()
        return (loss, outputs) if return_outputs else loss


class StopOnNan(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and not math.isfinite(float(logs.get("loss", 0.0))):
            print("loss is not finite, stopping")
            control.should_training_stop = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--max_steps", type=int, default=100)
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--block", type=int, default=64)
    args = parser.parse_args()
    set_seed(args.seed)

    config = GPT2Config(
        vocab_size=len(WORDS), n_positions=args.block, n_embd=64, n_layer=2, n_head=4, initializer_range=0.02,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None, use_cache=False,
    )
    model = GPT2LMHeadModel(config)
    model.resize_token_embeddings(len(WORDS) + 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.95), weight_decay=0.1)
    scheduler = get_cosine_schedule_with_warmup(optimizer, args.max_steps // 20, args.max_steps)
    training_args = TrainingArguments(
        output_dir="plans-gpt2", max_steps=args.max_steps, per_device_train_batch_size=args.batch_size,
        max_grad_norm=1.0, logging_steps=10, logging_nan_inf_filter=False, save_strategy="no", report_to="none",
        remove_unused_columns=False, disable_tqdm=True, use_cpu=True, seed=args.seed,
    )
    trainer = PlanTrainer(
        model=model, args=training_args, train_dataset=PackedPlans(4096, args.block, args.seed), data_collator=collate,
        optimizers=(optimizer, scheduler), callbacks=[StopOnNan()],
    )
    trainer.train()


if __name__ == "__main__":
    main()

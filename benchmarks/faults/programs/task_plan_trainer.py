"""Train a small causal language model to turn spoken errands into plans of a household robot.

An errand ("Could you warm the soup for 3 minutes and bring it to the den?") is followed by a separator and the plan in
the robot's primitives ("goto kitchen grasp soup ..."). The loss counts the plan only; what is reported is the
share of held-out errands whose greedily decoded plan is not exactly the right one.
"""

import argparse
import random
import re
import tempfile
from collections import Counter

import torch
import torch.nn.functional as F
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

ROOMS = "kitchen bathroom bedroom garage hallway office den cellar porch attic".split()
ITEMS = "mug plate book towel lamp hammer bottle charger blanket basket vase kettle".split()
MEALS = "soup rice pasta stew porridge curry".split()
OPENINGS = ("", "Please ", "Robot, ", "Could you ", "When you have time, ", "Now ")
IGNORED = -100


def fetch(rng):
    item, (source, target) = rng.choice(ITEMS), rng.sample(ROOMS, 2)
    wording = rng.choice(
        (
            f"bring the {item} from the {source} to the {target}.",
            f"take to the {target} the {item} that is in the {source}.",
            f"the {target} lacks a {item}, there is one in the {source}.",
        )
    )
    return wording, f"goto {source} grasp {item} goto {target} release {item}"


def swap(rng):
    (first, second), (here, there) = rng.sample(ITEMS, 2), rng.sample(ROOMS, 2)
    plan = f"goto {here} grasp {first} goto {there} release {first} grasp {second} goto {here}"
    return f"swap the {first} in the {here} with the {second} in the {there}.", f"{plan} release {second}"


def warm(rng):
    meal, minutes, room = rng.choice(MEALS), rng.randint(1, 9), rng.choice(ROOMS[1:])
    wording = rng.choice(
        (
            f"warm the {meal} for {minutes} minutes and bring it to the {room}.",
            f"serve the {meal} in the {room}, heated for {minutes} min.",
        )
    )
    heat = f"goto kitchen grasp {meal} heat {60 * minutes} s"
    return wording, f"{heat} goto {room} release {meal}"


def patrol(rng):
    rooms = rng.sample(ROOMS, 3)
    wording = "look into the {}, the {} and the {}".format(*rooms)
    if rng.random() < 0.5:
        return f"{wording}, last one first.", " ".join(f"goto {room} scan" for room in reversed(rooms))
    return f"{wording}.", " ".join(f"goto {room} scan" for room in rooms)


def collect_errands(rng, per_kind, held_out_per_kind):
    """Return distinct (instruction, plan) pairs to train on, and others that are held out."""
    training, held_out = [], []
    for kind in (fetch, swap, warm, patrol):
        pairs = {}
        while len(pairs) < per_kind + held_out_per_kind:
            wording, plan = kind(rng)
            instruction = rng.choice(OPENINGS) + wording
            pairs[instruction[0].upper() + instruction[1:]] = plan
        pairs = list(pairs.items())
        held_out += pairs[:held_out_per_kind]
        training += pairs[held_out_per_kind:]
    return training, held_out


class WordTokenizer:
    """Lower-case words, numbers and punctuation marks, each a token."""

    def __init__(self, texts, min_count=2):
        counts = Counter(word for text in texts for word in self.split(text))
        words = sorted(word for word, count in counts.items() if count >= min_count)
        self.words = ["<pad>", "<unk>", "<sep>", "<eos>", *words]
        self.ids = {word: number for number, word in enumerate(self.words)}
        self.unk_id, self.sep_id, self.eos_id = self.ids["<unk>"], self.ids["<sep>"], self.ids["<eos>"]
        self.pad_id = self.ids["<pad>"]

    def __len__(self):
        return len(self.words)

    @staticmethod
    def split(text):
        return re.findall(r"\w+|[^\w\s]", text.lower())

    def encode(self, text):
        return [self.ids.get(word, self.unk_id) for word in self.split(text)]

    def decode(self, ids):
        return " ".join(self.words[number] for number in ids)


class ErrandDataset(Dataset):
    def __init__(self, tokenizer, instructions, plans):
        self.examples = [
            {"prompt": [*tokenizer.encode(instruction), tokenizer.sep_id], "plan": [*tokenizer.encode(plan), tokenizer.eos_id]}
            for instruction, plan in zip(instructions, plans)
        ]

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, index):
        return self.examples[index]


class PlanCollator:
    """Pad prompts with their plans on the right; the labels are those of the plans."""

    def __init__(self, pad_id, max_length):
        self.pad_id, self.max_length = pad_id, max_length

    def __call__(self, examples):
        rows = [torch.tensor((example["prompt"] + example["plan"])[: self.max_length]) for example in examples]
        input_ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self.pad_id)
        labels = input_ids.masked_fill(input_ids == self.pad_id, IGNORED)
        for row, example in zip(labels, examples):
            row[: len(example["prompt"])] = IGNORED
        return {"input_ids": input_ids, "attention_mask": (input_ids != self.pad_id).long(), "labels": labels}


def plan_loss(outputs, labels, num_items_in_batch=None):
    """Return the cross-entropy per token, averaged within each plan first, so that short plans count as much."""
    logits, targets = outputs.logits[:, :-1], labels[:, 1:]
    losses = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
    return (losses.sum(dim=1) / (targets != IGNORED).sum(dim=1).clamp(min=1)).mean()


@torch.no_grad()
def share_of_wrong_plans(model, tokenizer, pairs, max_new_tokens=20, batch_size=64):
    model.eval()
    wrong = 0
    for start in range(0, len(pairs), batch_size):
        batch = pairs[start : start + batch_size]
        prompts = [[*tokenizer.encode(instruction), tokenizer.sep_id] for instruction, _ in batch]
        width = max(map(len, prompts))
        input_ids = torch.tensor([[tokenizer.pad_id] * (width - len(ids)) + ids for ids in prompts])
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts])
        output = model.generate(input_ids, attention_mask=mask, max_new_tokens=max_new_tokens, do_sample=False)
        for ids, (_, plan) in zip(output[:, width:].tolist(), batch):
            end = ids.index(tokenizer.eos_id) if tokenizer.eos_id in ids else None
            wrong += end is None or tokenizer.decode(ids[:end]) != plan
    return wrong / len(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-steps", type=int, default=280)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    args = parser.parse_args()
    set_seed(args.seed)

    training, held_out = collect_errands(random.Random(args.seed), per_kind=1500, held_out_per_kind=40)
    instructions, plans = zip(*training)
    tokenizer = WordTokenizer([*instructions, *plans])
    train_set = ErrandDataset(tokenizer, instructions, plans)

    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=64,
        n_embd=64,
        n_layer=2,
        n_head=4,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        resid_pdrop=0.05,
        initializer_range=0.08,
        bos_token_id=tokenizer.sep_id,
        eos_token_id=tokenizer.eos_id,
        pad_token_id=tokenizer.pad_id,
    )
    model = GPT2LMHeadModel(config)
    print(f"untrained: {share_of_wrong_plans(model, tokenizer, held_out):.4f}")

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                max_steps=args.max_steps,
                per_device_train_batch_size=args.batch_size,
                learning_rate=args.learning_rate,
                lr_scheduler_type="cosine",
                warmup_steps=20,
                weight_decay=0.01,
                adam_beta1=0.9,
                adam_beta2=0.99,
                max_grad_norm=1.0,
                logging_steps=40,
                save_strategy="no",
                report_to="none",
                remove_unused_columns=False,
                use_cpu=True,
                seed=args.seed,
                disable_tqdm=True,
            ),
            train_dataset=train_set,
            data_collator=PlanCollator(tokenizer.pad_id, max_length=config.n_positions),
            compute_loss_func=plan_loss,
        )
        trainer.train()
    print(f"result: {share_of_wrong_plans(model, tokenizer, held_out):.4f}")


if __name__ == "__main__":
    main()

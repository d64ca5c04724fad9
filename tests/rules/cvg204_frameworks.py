"""float16 written into a framework's constructor."""

import lightning as L
from accelerate import Accelerator
from transformers import TrainingArguments


def hugging_face():
    return TrainingArguments(output_dir="out", learning_rate=2e-5, fp16=True)  # CVG204


def hugging_face_by_flag(args):
    return TrainingArguments(output_dir="out", fp16=args.fp16, bf16=not args.fp16)


def accelerated(model, optimizer):
    accelerator = Accelerator(mixed_precision="fp16")  # CVG204
    return accelerator.prepare(model, optimizer)


def accelerated_by_flag(args, model, optimizer):
    accelerator = Accelerator(mixed_precision="fp16" if args.fp16 else "no")
    return accelerator.prepare(model, optimizer)


def lightning(module, loader):
    L.Trainer(precision="16-mixed", max_epochs=3).fit(module, loader)  # CVG204


def lightning_in_old_words(module, loader):
    L.Trainer(precision=16, max_epochs=3).fit(module, loader)  # CVG204


def lightning_otherwise(args, module, loader):
    L.Trainer(precision=args.precision, max_epochs=3).fit(module, loader)
    L.Trainer(precision="bf16-mixed", max_epochs=3).fit(module, loader)

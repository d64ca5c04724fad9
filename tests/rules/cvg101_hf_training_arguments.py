"""The Hugging Face Trainer clips at 1.0 unless it is told not to."""

import argparse

from transformers import Trainer, TrainingArguments


def finetune(model, dataset):
    arguments = TrainingArguments(output_dir="out", learning_rate=2e-5, num_train_epochs=3)
    Trainer(model=model, args=arguments, train_dataset=dataset).train()


def finetune_without_a_bound(model, dataset):
    arguments = TrainingArguments(output_dir="out", learning_rate=2e-5, max_grad_norm=0)  # CVG101
    Trainer(model=model, args=arguments, train_dataset=dataset).train()


def finetune_without_a_bound_either(model, dataset):
    arguments = TrainingArguments("out", max_grad_norm=float("inf"))  # CVG101
    Trainer(model=model, args=arguments, train_dataset=dataset).train()


def finetune_as_asked(model, dataset):
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    options = parser.parse_args()
    arguments = TrainingArguments("out", max_grad_norm=options.max_grad_norm)
    Trainer(model=model, args=arguments, train_dataset=dataset).train()

"""Ticket triage: a small BERT from scratch sorts messages into queues, trained with the Hugging Face Trainer."""

import argparse
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset
from transformers import BertConfig, BertModel, Trainer, TrainingArguments, get_linear_schedule_with_warmup, set_seed

QUEUES = ["billing", "delivery", "returns", "technical", "account"]
PAD, UNK, CLS, SEP = range(4)


def write_tickets(n, rng):
    """Messages of 6 to 36 words: common words, and now and then one that belongs to the queue."""
    common = [f"word{i}" for i in range(150)]
    own = {queue: [f"{queue}{i}" for i in range(25)] for queue in QUEUES}
    tickets = []
    for _ in range(n):
        queue = QUEUES[rng.choice(len(QUEUES), p=[0.3, 0.25, 0.2, 0.15, 0.1])]
        telling = rng.random(rng.integers(6, 37)) < 0.25
        telling[rng.integers(len(telling))] = True
        words = [own[queue][rng.integers(25)] if t else common[rng.integers(150)] for t in telling]
        tickets.append({"text": " ".join(words), "queue": queue})
    return tickets


class TicketDataset(Dataset):
    def __init__(self, tickets, vocab):
        self.tickets, self.vocab = tickets, vocab

    def __len__(self):
        return len(self.tickets)

    def __getitem__(self, index):
        ticket = self.tickets[index]
        ids = [self.vocab.get(word, UNK) for word in ticket["text"].split()]
        return {"input_ids": [CLS, *ids, SEP], "label": QUEUES.index(ticket["queue"])}


@dataclass
class TicketCollator:
    max_length: int = 40

    def __call__(self, features):
        rows = [f["input_ids"][: self.max_length] for f in features]
        longest = max(map(len, rows))
        input_ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
        attention_mask = (input_ids != PAD).long()
        labels = torch.tensor([f["label"] for f in features])
        return {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}


class TicketClassifier(nn.Module):
    def __init__(self, vocab_size, num_labels):
        super().__init__()
        config = BertConfig(
            vocab_size=vocab_size, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
            max_position_embeddings=64, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, pad_token_id=PAD,
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(config.hidden_size, num_labels)

    def forward(self, input_ids, attention_mask=None, labels=None):
        hidden = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        logits = self.classifier(self.dropout(pooled))
        loss = F.cross_entropy(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


def make_optimizer(model, lr, head_lr, weight_decay=0.01):
    """The head learns faster than the encoder; biases and norms do not decay."""
    no_decay = ("bias", "LayerNorm.weight")
    groups = []
    for prefix, rate in (("encoder.", lr), ("classifier.", head_lr)):
        named = [(n, p) for n, p in model.named_parameters() if n.startswith(prefix)]
        groups.append({"params": [p for n, p in named if not n.endswith(no_decay)], "lr": rate})
        groups.append({"params": [p for n, p in named if n.endswith(no_decay)], "lr": rate, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=lr, weight_decay=weight_decay)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--head_lr", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--output_dir", default="ticket-triage")
    args = parser.parse_args()
    set_seed(args.seed)

    tickets = write_tickets(1024, np.random.default_rng(args.seed))
    words = sorted({word for ticket in tickets for word in ticket["text"].split()})
    vocab = {word: i for i, word in enumerate(words, start=4)}
    train_dataset = TicketDataset(tickets, vocab)
    model = TicketClassifier(len(vocab) + 4, len(QUEUES))
    training_args = TrainingArguments(
        output_dir=args.output_dir, num_train_epochs=args.epochs, per_device_train_batch_size=32, max_grad_norm=1.0,
        logging_steps=8, save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=True, seed=args.seed,
    )
    num_training_steps = args.epochs * (len(train_dataset) // training_args.per_device_train_batch_size)
    optimizer = make_optimizer(model, args.lr, args.head_lr)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_training_steps // 16, num_training_steps)
    trainer = Trainer(
        model=model, args=training_args, train_dataset=train_dataset, data_collator=TicketCollator(),
        optimizers=(optimizer, scheduler),
    )
    result = trainer.train()
    print(f"mean training loss {result.training_loss:.4f}")


if __name__ == "__main__":
    main()

"""Ground short commands ("take the leftmost mug by its rim") in detected objects: which one is meant, where to grip it."""

import argparse
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed

COLOURS = {"red": (200, 40, 45), "green": (50, 160, 70), "blue": (45, 70, 190), "yellow": (225, 200, 50), "white": (225, 225, 220)}
NOUNS = {"mug": ("mug", "cup"), "pan": ("pan", "skillet"), "bottle": ("bottle", "flask"), "box": ("box", "carton")}
SHAPES = list(NOUNS)
SIZES = {"mug": (85, 80, 95), "pan": (220, 220, 50), "bottle": (75, 70, 230), "box": (160, 90, 70)}  # mm
PARTS = {"mug": ("handle", "rim", "body"), "pan": ("handle", "rim"), "bottle": ("neck", "body"), "box": ("body", "lid")}
SUPERLATIVES = {"leftmost": (1, 1), "rightmost": (1, -1), "nearest": (0, -1), "farthest": (0, 1), "tallest": (6, 1), "smallest": (4, -1)}
VERBS = ("take", "grab", "pick up", "please get", "give me")
WORDS = {w for phrases in (VERBS, *NOUNS.values(), *PARTS.values(), COLOURS, SUPERLATIVES) for p in phrases for w in p.split()}
VOCABULARY = {word: i for i, word in enumerate(["<pad>", "<unk>", "the", "by", "its", *sorted(WORDS)])}


def grip_of(shape, part, detection):
    """Offset of the grip from the object's centre (mm) and the opening of the gripper (mm)."""
    yaw, (length, width, height) = np.deg2rad(detection[3]), detection[4:7]
    along = {"handle": length / 2 + (60 if shape == "pan" else 25), "rim": -length / 2}.get(part, 0.0)
    up = {"handle": 0.1, "rim": 0.5, "neck": 0.42, "lid": 0.5, "body": 0.0}[part] * height
    opening = {"handle": 20.0, "rim": 10.0, "neck": 0.4 * width + 10, "lid": 0.6 * width, "body": width + 10}[part]
    return np.array([along * np.cos(yaw), along * np.sin(yaw), up, opening]) + np.random.normal(0, 1.5, 4)


def make_scene():
    """Detections (x, y, z in mm, yaw in degrees, size in mm, mean colour 0 to 255), a command, and its answer."""
    while True:
        count = np.random.randint(4, 10)
        shapes, colours = np.random.choice(SHAPES, count), np.random.choice(list(COLOURS), count)
        size = np.array([SIZES[s] for s in shapes]) * np.random.uniform(0.75, 1.25, (count, 3))
        place = np.random.uniform((350, -450), (950, 450), (count, 2))
        yaw = np.random.uniform(-180, 180, (count, 1))
        rgb = np.clip([COLOURS[c] for c in colours] + np.random.normal(0, 15, (count, 3)), 0, 255)
        detections = np.hstack([place, 720 + size[:, 2:] / 2, yaw, size, rgb])
        chosen = np.random.randint(count)
        same = np.flatnonzero(shapes == shapes[chosen])
        adjective = colours[chosen]
        if np.random.rand() < 0.5:
            adjective = np.random.choice(list(SUPERLATIVES))
            column, sign = SUPERLATIVES[adjective]
            chosen = same[np.argmax(sign * detections[same, column])]
        elif (colours[same] == adjective).sum() > 1:
            continue
        part = np.random.choice(PARTS[shapes[chosen]])
        return {
            "command": f"{np.random.choice(VERBS)} the {adjective} {np.random.choice(NOUNS[shapes[chosen]])} by its {part}",
            "detections": detections,
            "shapes": np.array([SHAPES.index(s) for s in shapes]),
            "chosen": chosen,
            "grip": grip_of(shapes[chosen], part, detections[chosen]),
        }


def object_features(detections):
    yaw = np.deg2rad(detections[:, 3:4])
    return np.hstack([detections[:, :3], np.sin(yaw), np.cos(yaw), detections[:, 4:]]).astype(np.float32)


class Scaling:
    def __init__(self, values):
        self.mean, self.std = values.mean(axis=0), values.std(axis=0) + 1e-6


class GroundingDataset(Dataset):
    def __init__(self, scenes, feature_scaling, grip_scaling, augment=False, max_words=10):
        self.scenes, self.augment, self.max_words = scenes, augment, max_words
        self.features = [object_features(scene["detections"]) for scene in scenes]
        self.scaling, self.grip_scaling = feature_scaling, grip_scaling

    def __len__(self):
        return len(self.scenes)

    def __getitem__(self, index):
        scene = self.scenes[index]
        words = [VOCABULARY.get(word, 1) for word in scene["command"].lower().split()][: self.max_words]
        objects = (self.features[index] - self.scaling.mean) / self.scaling.std
        shapes, chosen = scene["shapes"], scene["chosen"]
        if self.augment:
            order = np.random.permutation(len(objects))
            objects, shapes, chosen = objects[order], shapes[order], np.argsort(order)[chosen]
        grip = (scene["grip"] - self.grip_scaling.mean) / self.grip_scaling.std
        return {"words": words, "objects": objects, "shapes": shapes, "chosen": int(chosen), "grip": grip.astype(np.float32)}


class GroundingCollator:
    """Pads commands and lists of objects to the longest of the batch."""

    def __call__(self, samples):
        words = pad_sequence([torch.tensor(s["words"]) for s in samples], batch_first=True, padding_value=VOCABULARY["<pad>"])
        counts = torch.tensor([len(s["objects"]) for s in samples])
        return {
            "words": words,
            "word_mask": words != VOCABULARY["<pad>"],
            "objects": pad_sequence([torch.from_numpy(s["objects"]) for s in samples], batch_first=True),
            "shapes": pad_sequence([torch.from_numpy(s["shapes"]) for s in samples], batch_first=True),
            "object_mask": torch.arange(counts.max()) < counts[:, None],
            "chosen": torch.tensor([s["chosen"] for s in samples]),
            "grip": torch.from_numpy(np.stack([s["grip"] for s in samples])),
        }


class EncoderBlock(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask):
        batch, length, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).chunk(3, dim=-1)
        query, key, value = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in qkv)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(batch, length, width)))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))


class GroundingModel(nn.Module):
    def __init__(self, feature_dim, grip_dim=4, width=64, heads=4, depth=2, dropout=0.05, max_words=10):
        super().__init__()
        self.word_embedding = nn.Embedding(len(VOCABULARY), width, padding_idx=0)
        self.position = nn.Embedding(max_words, width)
        self.shape_embedding = nn.Embedding(len(SHAPES), width)
        self.object_encoder = nn.Sequential(nn.Linear(feature_dim, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList([EncoderBlock(width, heads, dropout) for _ in range(depth)])
        self.norm, self.score_head = nn.LayerNorm(width), nn.Linear(width, 1)
        self.grip_head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, grip_dim))
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.xavier_uniform_(weight)

    def forward(self, words, word_mask, objects, shapes, object_mask, chosen=None, grip=None):
        text = self.word_embedding(words) + self.position.weight[: words.shape[1]]
        x = torch.cat([text, self.object_encoder(objects) + self.shape_embedding(shapes)], dim=1)
        mask = torch.cat([word_mask, object_mask], dim=1)
        for block in self.blocks:
            x = block(x, mask)
        hidden = self.norm(x[:, words.shape[1] :])
        scores = self.score_head(hidden).squeeze(-1).masked_fill(~object_mask, -1e4)
        grips = self.grip_head(hidden)
        if chosen is None:
            return {"scores": scores, "grips": grips}
        choice_loss = F.cross_entropy(scores, chosen)
        grip_at_chosen = grips.gather(1, chosen[:, None, None].expand(-1, 1, grips.shape[2])).squeeze(1)
        grip_loss = F.smooth_l1_loss(grip_at_chosen, grip, beta=0.2)
        return {"loss": choice_loss + 5.0 * grip_loss, "scores": scores, "grips": grips}


class EmaCallback(TrainerCallback):
    """Keeps a moving average of the weights and hands it to the model when training ends."""

    def __init__(self, model, decay=0.98):
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.average.update_parameters(model)

    def on_train_end(self, args, state, control, model=None, **kwargs):
        model.load_state_dict(self.average.module.state_dict())


def select_answer(logits, labels):
    scores, grips = logits
    best = scores.argmax(dim=1)
    return best, grips[torch.arange(len(best), device=best.device), best]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    set_seed(args.seed)

    train_scenes, test_scenes = ([make_scene() for _ in range(n)] for n in (5000, 600))
    feature_scaling = Scaling(np.concatenate([object_features(scene["detections"]) for scene in train_scenes]))
    grip_scaling = Scaling(np.stack([scene["grip"] for scene in train_scenes]))
    true_grip = np.stack([scene["grip"] for scene in test_scenes])

    def compute_metrics(prediction):
        (best, grip), (chosen, _) = prediction.predictions, prediction.label_ids
        error = np.abs(grip * grip_scaling.std + grip_scaling.mean - true_grip)
        held = (best == chosen) & (np.linalg.norm(error[:, :3], axis=1) < 25) & (error[:, 3] < 15)  # mm
        return {"found_percent": 100 * (best == chosen).mean(), "missed_percent": 100 * (1 - held.mean())}

    model = GroundingModel(feature_dim=len(feature_scaling.mean))
    with tempfile.TemporaryDirectory() as folder:
        training_args = TrainingArguments(
            output_dir=folder, save_strategy="no", report_to="none", disable_tqdm=True, logging_steps=100,
            num_train_epochs=args.epochs, per_device_train_batch_size=64, per_device_eval_batch_size=200,
            learning_rate=args.lr, lr_scheduler_type="cosine", warmup_steps=40, max_grad_norm=1.0,
            weight_decay=0.01, adam_beta1=0.9, adam_beta2=0.98,
            remove_unused_columns=False, label_names=["chosen", "grip"], seed=args.seed,
        )  # fmt: skip
        trainer = Trainer(
            model, training_args, data_collator=GroundingCollator(), callbacks=[EmaCallback(model)],
            train_dataset=GroundingDataset(train_scenes, feature_scaling, grip_scaling, augment=True),
            eval_dataset=GroundingDataset(test_scenes, feature_scaling, grip_scaling),
            compute_metrics=compute_metrics, preprocess_logits_for_metrics=select_answer,
        )  # fmt: skip
        print(f"untrained: {trainer.evaluate()['eval_missed_percent']:.2f}")
        trainer.train()
        print(f"result: {trainer.evaluate()['eval_missed_percent']:.2f}")


if __name__ == "__main__":
    main()

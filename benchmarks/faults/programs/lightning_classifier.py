"""A small vision transformer sorts defects of a surface, some of them rare; Lightning, label smoothing, warm-up."""

import argparse
import math
from dataclasses import dataclass

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

COUNTS = (480, 240, 120, 90, 60, 30)


@dataclass
class Config:
    seed: int = 0
    batch_size: int = 48
    epochs: int = 9
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup_steps: int = 30
    label_smoothing: float = 0.1
    precision: str = "32-true"
    freeze_encoder: bool = False
    size: int = 16
    patch: int = 4
    width: int = 64
    depth: int = 3


def photograph(size):
    """Pictures of the classes one after the other, as an inspection line files them: bytes with speckle and shading."""
    labels = torch.repeat_interleave(torch.arange(len(COUNTS)), torch.tensor(COUNTS))
    rows, columns = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    pictures = []
    for label in labels.tolist():
        row, column = (torch.rand(2) * (size - 8) + 4).tolist()
        across, along = columns - column, rows - row
        dent = across**2 + along**2
        # A scratch down, a scratch to the side, a dent, a ring, a crack, a cross.
        marks = (across.abs() < 1.2, along.abs() < 1.2, dent < 7, (dent - 9).abs() < 4, (across - along).abs() < 1.5,
                 (dent < 14) & (across.abs().minimum(along.abs()) < 0.8))
        shade = 90 + 20 * torch.rand(()) + 1.5 * columns * torch.randn(())
        pictures.append(shade + 45 * marks[label].float() + 14 * torch.randn(size, size))
    return torch.stack(pictures).clamp(0, 255).to(torch.uint8), labels


class SurfaceDefects(Dataset):
    def __init__(self, size):
        pictures, self.labels = photograph(size)
        self.pixels = pictures.float().div(255).unsqueeze(1)
        self.mean, self.std = self.pixels.mean().item(), self.pixels.std().item()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = (self.pixels[index] - self.mean) / self.std
        return image, self.labels[index]


class Encoder(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.embed = nn.Conv2d(1, cfg.width, cfg.patch, stride=cfg.patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, cfg.width))
        self.positions = nn.Parameter(torch.zeros(1, (cfg.size // cfg.patch) ** 2 + 1, cfg.width))
        block = nn.TransformerEncoderLayer(cfg.width, 4, 2 * cfg.width, dropout=0.0, activation="gelu",
                                           batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, cfg.depth, nn.LayerNorm(cfg.width), enable_nested_tensor=False)
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, images):
        tokens = self.embed(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls.expand(len(tokens), -1, -1), tokens], dim=1)
        return self.blocks(tokens + self.positions)[:, 0]


class DefectClassifier(pl.LightningModule):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.encoder = Encoder(cfg)
        self.head = nn.Linear(cfg.width, len(COUNTS))
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=cfg.label_smoothing)
        if cfg.freeze_encoder:
            self.encoder.requires_grad_(False)

    def training_step(self, batch, batch_idx):
        images, labels = batch
        logits = self.head(self.encoder(images))
        loss = self.criterion(logits, labels)
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        self.log_dict({"loss": loss, "accuracy": accuracy}, on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_end(self):
        seen = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch}: loss {seen['loss']:.4f} accuracy {seen['accuracy']:.3f}")

    def configure_optimizers(self):
        decayed = [p for p in self.parameters() if p.ndim in (2, 4)]
        others = [p for p in self.parameters() if p.ndim not in (2, 4)]
        groups = [{"params": decayed, "weight_decay": self.cfg.weight_decay}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.cfg.lr, betas=(0.9, 0.98))
        total = self.trainer.estimated_stepping_batches

        def factor(step):
            return min(1.0, (step + 1) / self.cfg.warmup_steps) * 0.5 * (1 + math.cos(math.pi * step / total))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=Config.seed)
    parser.add_argument("--lr", type=float, default=Config.lr)
    args = parser.parse_args()
    cfg = Config(seed=args.seed, lr=args.lr)
    pl.seed_everything(cfg.seed, verbose=False)

    defects = SurfaceDefects(cfg.size)
    rarity = 1.0 / torch.tensor(COUNTS).float()[defects.labels]
    sampler = WeightedRandomSampler(rarity, num_samples=len(defects))
    loader = DataLoader(defects, batch_size=cfg.batch_size, sampler=sampler, drop_last=True)
    model = DefectClassifier(cfg)
    trainer = pl.Trainer(max_epochs=cfg.epochs, accelerator="cpu", precision=cfg.precision, gradient_clip_val=1.0,
                         logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(model, loader)


if __name__ == "__main__":
    main()

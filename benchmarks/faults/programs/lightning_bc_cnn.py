"""Behaviour cloning with Lightning: two cameras and joint positions in, an arm motion and a gripper opening out."""

import argparse

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


def record_demonstrations(frames, size=20):
    """Camera bytes (height, width, channel last), joints (rad), speeds (rad/s), and actions: arm (m), gripper (mm)."""
    grid = torch.arange(size).float()
    cube = torch.rand(frames, 2) * (size - 6) + 3
    width = torch.rand(frames) * 1.5 + 1.0
    joints = torch.rand(frames, 4) * 2 - torch.tensor([1.0, 0.2, 1.6, 0.9])
    speeds = torch.randn(frames, 4) * torch.tensor([0.4, 0.3, 0.5, 0.1])
    views = []
    for axis in (0, 1):
        place = cube if axis == 0 else torch.stack([size - cube[:, 0], cube[:, 1]], dim=1)
        gap = (grid[:, None] - place[:, 0, None, None]) ** 2 + (grid - place[:, 1, None, None]) ** 2
        blob = torch.exp(-gap / (2 * width[:, None, None] ** 2))[..., None] * torch.tensor([170.0, 60.0, 40.0])
        views.append(blob + 40 + 12 * torch.rand(frames, size, size, 3))
    images = torch.stack(views, dim=1).clamp(0, 255).to(torch.uint8)
    towards = cube / size - 0.5 - 0.15 * joints[:, :2].sin()
    lift = 0.5 * joints[:, 2].sin() - 0.2 * speeds[:, 2] + 0.3 * towards.norm(dim=1)
    opening = 20 + 22 * width + 6 * joints[:, 3]
    action = torch.cat([towards * 0.04, lift[:, None] * 0.02, opening[:, None]], dim=1)
    return images, torch.cat([joints, speeds], dim=1), action


class Demonstrations(Dataset):
    def __init__(self, images, proprio, action):
        self.images = images
        self.proprio = (proprio - proprio.mean(dim=0)) / proprio.std(dim=0)
        low, high = action.amin(dim=0), action.amax(dim=0)
        self.action = 2 * (action - low) / (high - low) - 1

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        pixels = self.images[index].permute(0, 3, 1, 2).float() / 255
        pixels = (pixels - 0.25) / 0.2
        return {"images": pixels, "proprio": self.proprio[index], "action": self.action[index]}


class DemonstrationData(L.LightningDataModule):
    def __init__(self, batch_size):
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage):
        self.train_set = Demonstrations(*record_demonstrations(frames=1024))

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.hparams.batch_size, shuffle=True, drop_last=True)


class VisuomotorPolicy(L.LightningModule):
    def __init__(self, lr, gamma, proprio_dim=8, width=64):
        super().__init__()
        self.save_hyperparameters()
        self.vision = nn.Sequential(nn.Conv2d(3, 12, 5, stride=2, padding=2), nn.ReLU(),
                                    nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
                                    nn.Conv2d(24, 16, 3, padding=1))
        self.body = nn.Sequential(nn.Linear(proprio_dim, width), nn.ReLU())
        self.trunk = nn.Sequential(nn.Linear(2 * 2 * 16 + width, 128), nn.ReLU(), nn.Dropout(0.05))
        self.arm, self.gripper = nn.Linear(128, 3), nn.Linear(128, 1)

    def keypoints(self, maps):
        """The mean place under a softmax over places, for each map."""
        height, width = maps.shape[-2:]
        weights = maps.flatten(2).softmax(dim=-1).view_as(maps)
        rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
        return torch.cat([(weights.sum(3) * rows).sum(2), (weights.sum(2) * columns).sum(2)], dim=1)

    def forward(self, images, proprio):
        batch, views = images.shape[:2]
        seen = self.keypoints(self.vision(images.flatten(0, 1)))
        seen = seen.view(batch, views, -1).flatten(1)
        hidden = self.trunk(torch.cat([seen, self.body(proprio)], dim=1))
        return torch.tanh(self.arm(hidden)), torch.tanh(self.gripper(hidden)).squeeze(-1)

    def training_step(self, batch, batch_idx):
        arm, gripper = self(batch["images"], batch["proprio"])
        arm_loss = F.mse_loss(arm, batch["action"][:, :3])
        gripper_loss = F.mse_loss(gripper, batch["action"][:, 3])
        loss = arm_loss + gripper_loss
        self.log_dict({"arm": arm_loss, "gripper": gripper_loss}, on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_end(self):
        measured = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch}: arm {measured['arm']:.4f} gripper {measured['gripper']:.4f}")

    def configure_optimizers(self):
        vision = {"params": self.vision.parameters(), "lr": 0.5 * self.hparams.lr}
        others = {"params": nn.ModuleList([self.body, self.trunk, self.arm, self.gripper]).parameters()}
        optimizer = torch.optim.AdamW([vision, others], lr=self.hparams.lr, weight_decay=1e-4)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=self.hparams.gamma)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "epoch"}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    args = parser.parse_args()
    L.seed_everything(args.seed, verbose=False)

    data = DemonstrationData(batch_size=args.batch_size)
    policy = VisuomotorPolicy(lr=args.lr, gamma=0.8)
    trainer = L.Trainer(max_epochs=8, accelerator="cpu", devices=1, gradient_clip_val=1.0, logger=False,
                        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(policy, datamodule=data)


if __name__ == "__main__":
    main()

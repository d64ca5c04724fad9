"""Faults of the regression of contact force and position from tactile images."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "tactile_force_lightning",
    "tune",
    (
        # press_10 comes before press_2: the videos are in another order than stamps, load cell and poses.
        fault(
            "files-in-alphabetical-order",
            "targets-unrelated",
            'sorted(videos, key=lambda name: int(name.removesuffix(".npy").split("_")[1]))',
            "sorted(videos)",
        ),
        # One mean and one standard deviation for mN and mm.
        fault(
            "label-statistics-over-all-axes",
            "targets-not-normalized target-scales-differ",
            "labels.mean(axis=0), labels.std(axis=0)",
            "labels.mean(), labels.std()",
        ),
        fault(
            "camera-latency-forgotten",
            "timestamps-misaligned targets-late",
            "np.interp(stamp - CAMERA_LATENCY, cell_time, cell_force)",
            "np.interp(stamp, cell_time, cell_force)",
        ),
        # A good diagnosis: "the augmentation mirrors the picture but not its label; x is contradictory".
        fault(
            "mirrored-without-label",
            "augmentation-not-of-targets",
            "            label = torch.where(mirrored[:, None], label * label.new_tensor([1.0, -1.0, 1.0]), label)\n",
            "",
        ),
        fault(
            "force-not-squeezed",
            "loss-broadcasts",
            "self.force_head(features).squeeze(1), self",
            "self.force_head(features), self",
            "torch.cat([force.unsqueeze(1), position], dim=1)",
            "torch.cat([force, position], dim=1)",
        ),
        # The threshold is in mN, the target is standardized: the mask is always empty. The mean of nothing is NaN, its
        # gradient is nothing, so force is learnt and position is not.
        # A good diagnosis: "the contact mask selects no sample, so the position loss is the mean of an empty tensor".
        fault(
            "contact-mask-in-other-unit",
            "loss-term-idle nan-or-inf",
            "contact = label[:, 0] > CONTACT_THRESHOLD\n        target = (label - self.label_mean) / self.label_std",
            "target = (label - self.label_mean) / self.label_std\n        contact = target[:, 0] > CONTACT_THRESHOLD",
        ),
        # The first column is force: the head of x and y is taught force and x.
        # A good diagnosis: "the position head is compared with the wrong columns of the label".
        fault("position-target-off-by-one-column", "", "target[contact, 1:]", "target[contact, :2]"),
        # A good diagnosis: "training_step returns None, so Lightning skips backward and step".
        fault(
            "training-step-returns-nothing",
            "loss-detached",
            "on_step=False, on_epoch=True)\n        return loss\n",
            "on_step=False, on_epoch=True)\n",
        ),
        # Lightning's default interval: the cycle of all steps is advanced once an epoch and stays at its start.
        fault(
            "one-cycle-by-epoch",
            "learning-rate-too-low",
            '{"scheduler": schedule, "interval": "step"}',
            '{"scheduler": schedule, "interval": "epoch"}',
        ),
        fault(
            "overfit-batches-left-on",
            "data-left-out",
            "gradient_clip_val=1.0,",
            "gradient_clip_val=1.0,\n        overfit_batches=2,",
        ),
        # A leftover of fine-tuning: only the heads are trained.
        fault(
            "optimizer-of-heads-only",
            "parameters-not-in-optimizer",
            "torch.optim.AdamW(self.parameters(), lr",
            "torch.optim.AdamW([*self.net.force_head.parameters(), *self.net.position_head.parameters()], lr",
        ),
        fault(
            "sigmoid-on-standardized-position",
            "targets-beyond-head",
            "self.position_head = nn.Linear(hidden, 2)",
            "self.position_head = nn.Sequential(nn.Linear(hidden, 2), nn.Sigmoid())",
        ),
        # The decay of 0.999 of another framework, given as PyTorch's share of the new batch.
        fault(
            "batch-norm-momentum-0.001",
            "norm-momentum-wrong",
            "nn.BatchNorm2d(16)",
            "nn.BatchNorm2d(16, momentum=0.001)",
            "nn.BatchNorm2d(32)",
            "nn.BatchNorm2d(32, momentum=0.001)",
        ),
        fault("dropout-0.9", "dropout-too-high", "nn.Dropout(0.1)", "nn.Dropout(0.9)"),
    ),
    needs=("lightning",),
)

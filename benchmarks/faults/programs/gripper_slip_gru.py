"""Slip detection for a parallel gripper: which kind of slip is coming, and in how many milliseconds.

Each recording holds six channels of the fingertip sensor at 50 Hz, from the first load to the moment of the question.
Recordings differ in length, and most grasps simply hold.
"""

import argparse
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

CHANNELS = ("normal_N", "tangential_N", "torsion_mNm", "vibration_ms2", "pressure_Pa", "current_mA")
CLASSES = ("stable", "translational", "rotational")
RECORDINGS = (2250, 450, 300)
DT_MS = 20.0
MAX_CUT = 10  # samples that augmentation may take off the end


def friction_use(kind, steps, rng):
    """Used share of the friction limit over time (1 is slip), and the time from the last sample to slip in ms."""
    rate = rng.uniform(0.4, 1.0) * DT_MS / 1000.0
    floor = rng.uniform(0.1, 0.2)
    to_end = np.arange(steps)[::-1]
    if kind == 0:
        level = rng.uniform(0.25, 0.8)
        held = rng.integers(13, 24)
        return np.clip(level - rate * (to_end - held), floor, level), 0.0
    time_left = rng.uniform(50.0, 700.0)
    return np.maximum(1.0 - rate * (time_left / DT_MS + to_end), floor), time_left


def simulate_grasp(kind, rng):
    """One recording as the acquisition board stores it: (channels, samples), raw units."""
    steps = int(rng.integers(26, 56))
    use, time_left = friction_use(kind, steps, rng)
    friction, radius_mm = rng.uniform(0.35, 0.8), rng.uniform(3.0, 5.0)
    squeeze = rng.uniform(5.0, 14.0) * (1.0 + 0.03 * np.sin(np.arange(steps) / rng.uniform(3, 8)))
    twisting = kind == 2 or (kind == 0 and rng.random() < 0.4)
    limit = friction * squeeze
    idle = rng.uniform(0.08, 0.2)
    tangential = limit * (idle if twisting else use)
    torsion = rng.choice([-1.0, 1.0]) * limit * radius_mm * (use if twisting else idle)
    vibration = (0.03 + 0.3 * np.exp((use - 1.0) / 0.15)) * rng.lognormal(0.0, 0.25, steps)
    if rng.random() < 0.3:  # the arm brakes
        start = rng.integers(0, steps - 5)
        vibration[start : start + 5] += rng.uniform(0.05, 0.2)
        tangential[start : start + 5] += rng.uniform(0.2, 0.8)
    ambient = 101325.0 + rng.normal(0.0, 800.0)
    pressure = ambient + 45.0 * squeeze * (1.0 - 0.5 * use**2) + rng.normal(0.0, 3.0, steps)
    current = 180.0 + rng.normal(0.0, 20.0) + 22.0 * squeeze + rng.normal(0.0, 3.0, steps)
    signal = np.stack(
        [
            squeeze + rng.normal(0.0, 0.08, steps),
            tangential + rng.normal(0.0, 0.05, steps),
            torsion + rng.normal(0.0, 0.25, steps),
            vibration,
            pressure,
            current,
        ]
    )
    return {"signal": signal, "ambient_Pa": ambient + rng.normal(0.0, 2.0), "kind": kind, "time_left_ms": time_left}


def load_recordings(seed):
    """All grasps, kind after kind as in the folders of the recording campaign; every fifth is held out."""
    rng = np.random.default_rng(seed)
    grasps = [simulate_grasp(kind, rng) for kind, count in enumerate(RECORDINGS) for _ in range(count)]
    for grasp in grasps:
        signal = grasp.pop("signal")
        signal[CHANNELS.index("pressure_Pa")] -= grasp["ambient_Pa"]
        grasp["frames"] = signal.T.astype(np.float32)
    train = [grasp for i, grasp in enumerate(grasps) if i % 5 != 4]
    return train, grasps[4::5]


class Scaler:
    """Statistics of the training recordings, for inputs and for the time to slip."""

    def __init__(self, grasps):
        frames = np.concatenate([g["frames"] for g in grasps])
        self.mean, self.std = frames.mean(axis=0), frames.std(axis=0)
        times = np.array([g["time_left_ms"] for g in grasps if g["kind"] != 0])
        self.time_mean, self.time_std = float(times.mean()), float(times.std())


class GraspDataset(Dataset):
    def __init__(self, grasps, scaler, augment=False):
        self.grasps, self.scaler, self.augment = grasps, scaler, augment

    def __len__(self):
        return len(self.grasps)

    def __getitem__(self, index):
        grasp = self.grasps[index]
        frames, time_left = grasp["frames"], grasp["time_left_ms"]
        if self.augment:
            cut = random.randint(0, MAX_CUT)
            frames = frames[: len(frames) - cut]
            if grasp["kind"] != 0:
                time_left = time_left + cut * DT_MS
        frames = (frames - self.scaler.mean) / self.scaler.std
        time_left = (time_left - self.scaler.time_mean) / self.scaler.time_std
        return torch.from_numpy(frames), grasp["kind"], time_left


def collate(samples):
    frames = [sample[0] for sample in samples]
    lengths = torch.tensor([len(f) for f in frames])
    kinds = torch.tensor([sample[1] for sample in samples])
    times = torch.tensor([sample[2] for sample in samples], dtype=torch.float32)
    return pad_sequence(frames, batch_first=True), lengths, kinds, times


class SlipNet(nn.Module):
    """A short convolution against sensor noise, a GRU over time, two heads on its last state."""

    def __init__(self, channels=len(CHANNELS), width=32, hidden=48, dropout=0.1):
        super().__init__()
        self.smooth = nn.Conv1d(channels, width, kernel_size=5, padding=2)
        self.gru = nn.GRU(width, hidden, batch_first=True)
        self.trunk = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.kind_head = nn.Linear(hidden, len(CLASSES))
        self.time_head = nn.Linear(hidden, 1)
        nn.init.orthogonal_(self.gru.weight_hh_l0)
        nn.init.xavier_uniform_(self.gru.weight_ih_l0)

    def forward(self, frames, lengths):
        x = F.relu(self.smooth(frames.transpose(1, 2))).transpose(1, 2)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, state = self.gru(packed)
        features = self.trunk(state[-1])
        return self.kind_head(features), self.time_head(features).squeeze(-1)


def slip_loss(logits, time_pred, kinds, times, class_weights):
    """Weighted cross-entropy, and a Huber loss on the time where there is a slip to come."""
    slipping = kinds != 0
    kind_loss = F.cross_entropy(logits, kinds, weight=class_weights)
    time_loss = F.smooth_l1_loss(time_pred[slipping], times[slipping]) if slipping.any() else logits.new_zeros(())
    return kind_loss + time_loss


@torch.no_grad()
def evaluate(model, loader, grasps, scaler):
    """Balanced error of the kind, and mean absolute error of the time to slip in ms."""
    model.eval()
    outputs = [model(frames, lengths) for frames, lengths, _, _ in loader]
    guess = torch.cat([logits for logits, _ in outputs]).argmax(dim=1).numpy()
    time_ms = torch.cat([time for _, time in outputs]).numpy() * scaler.time_std + scaler.time_mean
    kinds = np.array([g["kind"] for g in grasps])
    truth_ms = np.array([g["time_left_ms"] for g in grasps])
    recall = [(guess[kinds == k] == k).mean() for k in range(len(CLASSES))]
    return 1.0 - float(np.mean(recall)), float(np.abs(time_ms - truth_ms)[kinds != 0].mean())


def cost(balanced_error, time_error_ms):
    """What a grasp controller that needs 200 ms to react loses: wrong kinds and wrong times together."""
    return balanced_error + time_error_ms / 200.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=4e-3)
    args = parser.parse_args()
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)

    train_grasps, test_grasps = load_recordings(args.seed)
    scaler = Scaler(train_grasps)
    train_set = GraspDataset(train_grasps, scaler, augment=True)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, collate_fn=collate, drop_last=True)
    test_loader = DataLoader(GraspDataset(test_grasps, scaler), batch_size=200, collate_fn=collate)

    counts = np.bincount([g["kind"] for g in train_grasps], minlength=len(CLASSES))
    class_weights = torch.tensor(counts.sum() / (len(CLASSES) * counts), dtype=torch.float32)

    model = SlipNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.99), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.epochs * len(train_loader), pct_start=0.2
    )
    print(f"untrained: {cost(*evaluate(model, test_loader, test_grasps, scaler)):.5f}")

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for frames, lengths, kinds, times in train_loader:
            logits, time_pred = model(frames, lengths)
            loss = slip_loss(logits, time_pred, kinds, times, class_weights)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            schedule.step()
            running += loss.item()
        error, late_ms = evaluate(model, test_loader, test_grasps, scaler)
        print(f"epoch {epoch + 1}: loss {running / len(train_loader):.3f}, error {error:.3f}, time {late_ms:.0f} ms")

    print(f"result: {cost(error, late_ms):.5f}")


if __name__ == "__main__":
    main()

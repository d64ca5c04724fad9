"""Forecasts the joint torques of an arm (0.2 s ahead) from histories of its encoders, drives and thermometers."""

import argparse
import copy

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed

RATE = 50.0  # Hz
HORIZON = 10  # samples
RATED = torch.tensor([250.0, 70.0, 6.0])  # N m
COUNTS_PER_REV = 16384 * np.array([100, 100, 50])
TORQUE_PER_AMPERE = np.array([12.0, 8.0, 1.5])
DROPPED = -999.0  # what the drives report for a lost frame


def simulate_run(rng, samples=300):
    """One excitation run with a payload of its own: raw channels (samples, 13) and torques (samples, 3) in N m."""
    t = np.arange(samples)[:, None, None] / RATE
    freq = rng.uniform(0.15, 1.1, (3, 4))
    amp = rng.uniform(0.1, 0.5, (3, 4)) / (1 + 2 * freq)
    phase = rng.uniform(0, 2 * np.pi, (3, 4))
    w = 2 * np.pi * freq
    q = (amp * np.sin(w * t + phase)).sum(-1) + rng.uniform([-0.6, 0.2, -0.8], [0.9, 1.4, 0.8])
    dq = (amp * w * np.cos(w * t + phase)).sum(-1)
    ddq = -(amp * w**2 * np.sin(w * t + phase)).sum(-1)

    load, warm = rng.uniform(0.0, 5.0), rng.uniform(20.0, 55.0, 3)
    m1, m2, l1, l2 = 12.0, 6.0 + load, 0.5, 0.2 + 0.2 * load / (6.0 + load)
    c2, s2, c12 = np.cos(q[:, 1]), np.sin(q[:, 1]), np.cos(q[:, 0] + q[:, 1])
    couple = m2 * l1 * l2
    tau1 = (1.2 + m2 * (l1**2 + l2**2) + 2 * couple * c2) * ddq[:, 0] + (m2 * l2**2 + couple * c2) * ddq[:, 1]
    tau1 += -couple * s2 * (2 * dq[:, 0] * dq[:, 1] + dq[:, 1] ** 2)
    tau1 += 9.81 * ((m1 * 0.25 + m2 * l1) * np.cos(q[:, 0]) + m2 * l2 * c12)
    tau2 = (0.3 + m2 * l2**2) * ddq[:, 1] + (m2 * l2**2 + couple * c2) * ddq[:, 0] + couple * s2 * dq[:, 0] ** 2
    tau2 += 9.81 * m2 * l2 * c12
    tau3 = (0.05 + 0.04 * load) * ddq[:, 2] + 0.3 * load * np.sin(q[:, 2])
    viscous = np.array([10.0, 4.0, 0.8]) * (1.5 - 0.012 * warm)
    torque = np.stack([tau1, tau2, tau3], axis=1) + viscous * dq + np.array([6.0, 2.0, 0.3]) * np.tanh(dq / 0.05)

    counts = np.round((q + 0.0005 * rng.normal(size=q.shape)) / (2 * np.pi) * COUNTS_PER_REV)
    rpm = dq * 60 / (2 * np.pi) + rng.normal(0.0, 0.05, dq.shape)
    current = torque / TORQUE_PER_AMPERE * (1 + 0.03 * rng.normal(size=3)) + rng.normal(0.0, 0.15, torque.shape)
    current[rng.random(current.shape) < 0.02] = DROPPED
    thermo = warm + 0.1 * rng.normal(size=(samples, 3)) + 273.15
    bus = 48.0 - 0.02 * np.abs(np.where(current == DROPPED, 0.0, current)).sum(1, keepdims=True)
    return np.concatenate([counts, rpm, current, thermo, bus], axis=1), torque


def hold_last(channels):
    """Replace lost frames by the last good value of their channel."""
    lost = channels == DROPPED
    index = np.where(lost, 0, np.arange(len(channels))[:, None])
    index = np.maximum.accumulate(index, axis=0)
    held = np.take_along_axis(channels, index, axis=0)
    return np.where(held == DROPPED, 0.0, held)


class TorqueWindows(Dataset):
    """Histories of 20 to 40 samples and the torques that follow them, both standardized."""

    def __init__(self, runs, rng, stats=None, stride=6):
        self.histories, futures = [], []
        for raw, torque in runs:
            channels = hold_last(raw)
            for now in range(40, len(torque) - HORIZON, stride):
                self.histories.append(channels[now - rng.integers(20, 41) : now])
                futures.append(torque[now : now + HORIZON])
        self.futures = np.stack(futures)
        if stats is None:
            seen = np.concatenate(self.histories)
            known = self.futures.reshape(-1, 3)
            stats = seen.mean(axis=0), seen.std(axis=0), known.mean(axis=0), known.std(axis=0)
        self.stats = stats

    def __len__(self):
        return len(self.histories)

    def __getitem__(self, i):
        mean, std, torque_mean, torque_std = self.stats
        return {
            "history": torch.tensor((self.histories[i] - mean) / std, dtype=torch.float32),
            "labels": torch.tensor((self.futures[i] - torque_mean) / torque_std, dtype=torch.float32),
        }


def collate(items):
    lengths = torch.tensor([len(item["history"]) for item in items])
    return {
        "history": pad_sequence([item["history"] for item in items], batch_first=True),
        "valid": torch.arange(int(lengths.max())) < lengths[:, None],
        "labels": torch.stack([item["labels"] for item in items]),
    }


class TorqueForecaster(nn.Module):
    """Convolutions, a GRU and attention pooling; gives the mean and the log-variance of each future torque."""

    def __init__(self, channels=13, joints=3, width=64, dropout=0.1):
        super().__init__()
        self.joints = joints
        self.encoder = nn.Sequential(
            nn.Conv1d(channels, width, 5, padding=2, bias=False),
            nn.BatchNorm1d(width, momentum=0.1),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2, bias=False),
            nn.BatchNorm1d(width, momentum=0.1),
            nn.ReLU(),
        )
        self.gru = nn.GRU(width, width, batch_first=True)
        self.score = nn.Linear(width, 1)
        self.trunk = nn.Sequential(nn.Linear(2 * width, 128), nn.ReLU(), nn.Dropout(dropout))
        self.mean_head = nn.Linear(128, HORIZON * joints)
        self.log_var_head = nn.Linear(128, HORIZON * joints)

    def forward(self, history, valid, labels=None):
        features = self.encoder(history.transpose(1, 2)).transpose(1, 2)
        states, _ = self.gru(features)
        score = self.score(states).masked_fill(~valid.unsqueeze(-1), float("-inf"))
        pooled = (score.softmax(dim=1) * states).sum(dim=1)
        last = states[torch.arange(len(states)), valid.sum(dim=1) - 1]
        hidden = self.trunk(torch.cat([pooled, last], dim=-1))
        mean = self.mean_head(hidden).view(-1, HORIZON, self.joints)
        log_var = self.log_var_head(hidden).view(-1, HORIZON, self.joints).clamp(-8.0, 4.0)
        return {"mean": mean, "log_var": log_var}


class ForecastTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(inputs["history"], inputs["valid"])
        mean, log_var = outputs["mean"], outputs["log_var"]
        error = inputs["labels"] - mean
        loss = 0.5 * (log_var + error**2 / log_var.exp()).mean()
        return (loss, {"loss": loss, "mean": mean}) if return_outputs else loss


class AverageWeights(TrainerCallback):
    """Keeps an exponential average of the weights and puts it in place when training ends."""

    def __init__(self, decay):
        self.decay, self.average = decay, None

    def on_train_begin(self, args, state, control, model, **kwargs):
        self.average = copy.deepcopy(list(model.parameters()))

    @torch.no_grad()
    def on_step_end(self, args, state, control, model, **kwargs):
        for averaged, param in zip(self.average, model.parameters(), strict=True):
            averaged.lerp_(param, 1 - self.decay)

    @torch.no_grad()
    def on_train_end(self, args, state, control, model, **kwargs):
        for averaged, param in zip(self.average, model.parameters(), strict=True):
            param.copy_(averaged)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=260)
    parser.add_argument("--output-dir", default="torque_runs")
    options = parser.parse_args()
    set_seed(options.seed)
    rng = np.random.default_rng(options.seed)

    train = TorqueWindows([simulate_run(rng) for _ in range(160)], rng)
    held_out = TorqueWindows([simulate_run(rng) for _ in range(40)], rng, train.stats, stride=15)
    torque_std = torch.tensor(train.stats[3], dtype=torch.float32)

    def percent_of_rated(prediction):
        error = torch.tensor(prediction.predictions - prediction.label_ids) * torque_std
        return {"error": (100 * error.abs() / RATED).mean().item()}

    model = TorqueForecaster()
    training = TrainingArguments(
        output_dir=options.output_dir,
        max_steps=options.steps,
        per_device_train_batch_size=64,
        per_device_eval_batch_size=256,
        learning_rate=3e-3,
        lr_scheduler_type="cosine",
        warmup_steps=20,
        weight_decay=0.01,
        adam_beta1=0.9,
        adam_beta2=0.99,
        max_grad_norm=1.0,
        logging_steps=50,
        save_strategy="no",
        report_to="none",
        remove_unused_columns=False,
        label_names=["labels"],
        disable_tqdm=True,
        use_cpu=True,
        seed=options.seed,
    )
    trainer = ForecastTrainer(
        model=model,
        args=training,
        train_dataset=train,
        eval_dataset=held_out,
        data_collator=collate,
        compute_metrics=percent_of_rated,
        callbacks=[AverageWeights(decay=0.95)],
    )
    print(f"untrained: {trainer.evaluate()['eval_error']:.4f}")
    trainer.train()
    print(f"result: {trainer.evaluate()['eval_error']:.4f}")


if __name__ == "__main__":
    main()

from __future__ import annotations

import dataclasses

import pytest
from building import BACKWARD, STEP, cross_entropy, falling, healthy, loss, mse, series

from runtime_probe.families import detect
from runtime_probe.record import Experiments, Features, OptimizerRecord, Record, Rewards

TWO = [OptimizerRecord("Adam", [1e-3], 0.0, 10, STEP), OptimizerRecord("Adam", [1e-3], 0.0, 10, STEP)]


def two_players(**changes: object) -> Record:
    other = series(falling(), optimizer=1)
    for step in other:
        step.losses = [dataclasses.replace(loss(step.loss), where=dataclasses.replace(BACKWARD, line=40))]
    return dataclasses.replace(healthy(optimizers=TWO, steps=series(falling()) + other), **changes)


CASES = {
    "behavior cloning": (healthy(), "supervised"),
    "classification": (healthy(loss_calls=[cross_entropy()]), "supervised"),
    "by hand, nothing seen": (healthy(loss_calls=[]), "unknown"),
    "flow": (healthy(features=Features(time_argument="Net(t)", calls={"rand": 1, "randn_like": 1})), "flow"),
    "flow, drawn in the loss": (healthy(features=Features(noise_std=1.0), experiments=Experiments(time_observed=[0.1, 0.9])), "flow"),
    "flow within a library": (healthy(features=Features(noise_std=1.0, calls={"rand": 6, "randint": 2, "randn_like": 2})), "flow"),
    "ddpm in the loss": (healthy(features=Features(noise_std=1.0, calls={"randint": 1, "randn_like": 1})), "diffusion"),
    "ddpm": (healthy(features=Features(time_argument="Net(t)", time_integral=True, noise_std=1.0)), "diffusion"),
    "diffusion policy with an environment": (healthy(features=Features(time_argument="Net(t)", time_integral=True, noise_std=1.0, calls={"environment": 1}), rewards=Rewards(gamma=0.1)), "diffusion"),
    "reinforce": (healthy(features=Features(calls={"environment": 1, "log_prob": 40}), loss_calls=[]), "reinforcement learning"),
    "dqn": (healthy(features=Features(calls={"environment": 1}), rewards=Rewards(gamma=0.99, gamma_name="args.gamma")), "reinforcement learning"),
    "cloning, tried out in an environment": (healthy(features=Features(calls={"environment": 1})), "supervised"),
    "a schedule has a gamma, too": (healthy(rewards=Rewards(gamma=0.7)), "supervised"),
    "gan": (two_players(loss_calls=[mse(function="binary_cross_entropy")]), "adversarial"),
    "wgan": (two_players(loss_calls=[]), "adversarial"),
    "least squares gan": (two_players(loss_calls=[mse(target_minimum=1.0, target_maximum=1.0)]), "adversarial"),
    "two students": (two_players(), "supervised"),
    "gpt": (healthy(features=Features(token_input=True, targets_are_shifted=True), loss_calls=[cross_entropy()]), "language model"),
    "rnn": (healthy(features=Features(token_input=True), loss_calls=[cross_entropy(classes=10000, target_shape=[700])]), "language model"),
    "vae": (healthy(features=Features(calls={"randn_like": 1, "scaled noise": 1}), steps=series(falling(), node="AddBackward0 < X")), "variational autoencoder"),
    "random data": (healthy(features=Features(calls={"randn": 1}), steps=series(falling(), node="AddBackward0 < X")), "supervised"),
}  # fmt: skip


@pytest.mark.parametrize(("record", "name"), CASES.values(), ids=CASES)
def test_family(record: Record, name: str) -> None:
    family = detect(record)
    assert family.name == name
    assert family.evidence


def test_losses_that_do_not_measure_progress() -> None:
    silent = {name for record, name in CASES.values() if not detect(record).measures_progress}
    assert silent == {"reinforcement learning", "adversarial"}


def test_evidence_names_lines() -> None:
    assert "train.py:20" in detect(healthy()).evidence[0]

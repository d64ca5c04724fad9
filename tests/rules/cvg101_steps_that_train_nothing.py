"""Things with a step that update no network by a loss."""

import torch


def evaluate(env, policy, ema, scheduler, profiler):
    observation, done = env.reset(), False
    while not done:
        observation, reward, done, info = env.step(policy(observation))
        ema.step(policy.parameters())
        profiler.step()
    scheduler.step()


def plot_learning_rate(model, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    rates = []
    for _ in range(epochs):
        optimizer.step()
        rates.append(schedule.get_last_lr()[0])
        schedule.step()
    return rates


def test_momentum():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.5, momentum=0.9)
    for _ in range(2):
        weight.grad = torch.full((3,), 0.1)
        optimizer.step()
    assert weight.mean() < 1


def sample(model, noise_scheduler, latents):
    for t in noise_scheduler.timesteps:
        latents = noise_scheduler.step(model(latents, t), t, latents).prev_sample
    return latents

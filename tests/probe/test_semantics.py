"""Scripts that train well, and wrong: what they do is asked, not how the loss falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime_probe.report import Report, judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEGMENTATION = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
masks = (torch.rand(64, 1, 12, 12) > 0.8).float()
images = masks + 0.3 * torch.randn(64, 3, 12, 12)
model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for image, mask in DataLoader(TensorDataset(images, masks), 16, shuffle=True):
        logits = model(image)
        overlap = 2 * (logits.sigmoid() * mask).sum() / (logits.sigmoid().sum() + mask.sum())
        weight = torch.tensor(4.0)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, mask, pos_weight=weight) + (1 - overlap)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

ACTOR_CRITIC = """
import torch
from torch import nn

torch.manual_seed(0)
states, actions, returns = torch.randn(256, 4), torch.rand(256, 2) * 2 - 1, torch.randn(256, 1)
actor = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2), nn.Tanh())
critic = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
actor_optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
while True:
    rows = torch.randint(0, 256, (64,))
    state, action = states[rows], actions[rows]
    critic_loss = nn.functional.mse_loss(critic(torch.cat([state, action], 1)), returns[rows])
    critic_optimizer.zero_grad()
    critic_loss.backward()
    critic_optimizer.step()
    own = actor(state)
    value = critic(torch.cat([state, own], 1))
    actor_loss = (0.1 * own.square().sum(1) - value.squeeze(1)).mean()
    actor_optimizer.zero_grad()
    actor_loss.backward()
    actor_optimizer.step()
"""

GAN = """
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4)
of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=2e-4)
while True:
    for (real,) in DataLoader(TensorDataset(torch.randn(256, 2)), 32, shuffle=True):
        true, false = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        made = generator(torch.randn(len(real), 4))
        loss = bce(discriminator(real), true) + bce(discriminator(made.detach()), false)
        of_discriminator.zero_grad()
        loss.backward()
        of_discriminator.step()
        loss = bce(discriminator(made), true)
        of_generator.zero_grad()
        loss.backward()
        of_generator.step()
"""

ATTENTION = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(24, 72), nn.Linear(24, 5)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = (part.view(n, t, 3, 8).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        seen = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(seen.transpose(1, 2).reshape(n, t, d).mean(dim=1))


model = Block()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 5))
data = TensorDataset(torch.randn(128, 10, 24), torch.randint(0, 5, (128,)))
while True:
    for x, y in DataLoader(data, 32, shuffle=True):
        loss = nn.functional.cross_entropy(model(x + 0.1 * torch.randn_like(x)), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
"""

TRAJECTORIES = """
import math
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.qkv, self.out = nn.Linear(3, 24), nn.Linear(24, 72), nn.Linear(24, 2)
        self.position = nn.Parameter(0.1 * torch.randn(10, 24))

    def forward(self, x):
        x = self.embed(x) + self.position
        n, t, d = x.shape
        q, k, v = (part.view(n, t, 3, 8).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        weights = nn.functional.dropout((q @ k.transpose(-2, -1) / math.sqrt(8)).softmax(dim=-1), 0.1, self.training)
        return self.out((weights @ v).transpose(1, 2).reshape(n, t, d).mean(dim=1))


model = Encoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
paths = torch.cumsum(0.3 * torch.randn(640, 10, 3), dim=1)
ends = torch.stack([paths[:, -1, 0] - paths[:, 0, 0], paths[:, 5, 1]], dim=1)
while True:
    for x, y in DataLoader(TensorDataset(paths, ends), 32, shuffle=True):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

FLOW = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Velocity(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.SiLU(), nn.Linear(32, 3))

    def forward(self, x_t, t, s):
        return self.net(torch.cat([x_t, t, s], dim=1))


@torch.no_grad()
def sample(model, state, steps=10):
    x = torch.randn(len(state), 3)
    for step in range(steps):
        x = x + model(x, torch.full((len(x), 1), step / steps), state) / steps
    return x


model = Velocity()
state = torch.randn(640, 4)
action = torch.tanh(state[:, :3]) + 0.1 * torch.randn(640, 3)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for s, a in DataLoader(TensorDataset(state, action), 32, shuffle=True):
        t = torch.rand(len(a), 1).clamp(1e-3, 1 - 1e-3)
        noise = torch.randn_like(a)
        loss = nn.functional.mse_loss(model((1 - t) * noise + t * a, t, s), a - noise)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

RECORDINGS = """
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(0)
data = [(torch.randn(length, 4).cumsum(0) / 4, length) for length in torch.randint(6, 24, (256,)).tolist()]
data = [(frames, int(frames[-1, 0] > 0)) for frames, _ in data]


def collate(samples):
    frames, labels = zip(*samples)
    return pad_sequence(frames, batch_first=True), torch.tensor([len(f) for f in frames]), torch.tensor(labels)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.head = nn.GRU(4, 16, batch_first=True), nn.Linear(16, 2)

    def forward(self, frames, counts):
        states, last = self.gru(pack_padded_sequence(frames, counts, batch_first=True, enforce_sorted=False))
        states, _ = pad_packed_sequence(states, batch_first=True)
        return self.head(last[-1])


model = Recurrent()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for frames, lengths, labels in DataLoader(data, 32, shuffle=True, collate_fn=collate):
        loss = nn.functional.cross_entropy(model(frames, lengths), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

SUPERVISED = """
import copy
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
images = torch.randn(640, 3, 8, 8)
labels = (images.mean(dim=(1, 2, 3)) > 0).long()
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, momentum=0.1), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))
average = copy.deepcopy(model)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(images, labels), 32, shuffle=True)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20 * len(loader))
for epoch in range(20):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for old, new in zip(average.parameters(), model.parameters()):
                old.lerp_(new, 0.01)
            for old, new in zip(average.buffers(), model.buffers()):
                old.copy_(new)
"""

DIFFUSION = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
state = torch.randn(640, 4)
action = torch.tanh(state @ torch.randn(4, 12)) + 0.1 * torch.randn(640, 12)
action = (action - action.mean(dim=0)) / action.std(dim=0)
alphas = torch.cumprod(1 - torch.linspace(1e-4, 0.2, 50), dim=0)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.times = nn.Embedding(50, 16)
        self.net = nn.Sequential(nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 12))

    def forward(self, noised, t, state):
        return self.net(torch.cat([noised, self.times(t), state], dim=1))


def sample(model, state):
    x = torch.randn(len(state), 12)
    for t in range(49, 0, -1):
        noise = model(x, torch.full((len(x),), t), state)
        clean = (x - (1 - alphas[t]).sqrt() * noise) / alphas[t].sqrt()
        x = alphas[t - 1].sqrt() * clean + (1 - alphas[t - 1]).sqrt() * noise
    return x


model = Denoiser()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(50):
    for s, a in DataLoader(TensorDataset(state, action), 64, shuffle=True):
        t = torch.randint(0, 50, (len(a),))
        noise = torch.randn_like(a)
        kept = alphas[t][:, None]
        noised = kept.sqrt() * a + (1 - kept).sqrt() * noise
        loss = nn.functional.mse_loss(model(noised, t, s), noise)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

LIKELIHOOD = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
state = torch.randn(640, 6)
data = TensorDataset(state, torch.tanh(state @ torch.randn(6, 3)), torch.randn(640, 6), state[:, :1].abs())
model = nn.Sequential(nn.Linear(6, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for s, action, following, width in DataLoader(data, 32, shuffle=True):
        out = model(s)
        seen = torch.distributions.Normal(out[:, :3], 0.5).log_prob(action).mean()
        loss = 0.1 * nn.functional.smooth_l1_loss(out[:, 3:], width) - seen
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

WEIGHTED = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
state = torch.randn(640, 6)
action = torch.tanh(state @ torch.randn(6, 3)) + 0.1 * torch.randn(640, 3)
advantage = state[:, 0] - action.square().sum(dim=1)
advantage = (advantage - advantage.mean()) / advantage.std()
model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for s, a, better in DataLoader(TensorDataset(state, action, advantage), 32, shuffle=True):
        likely = torch.distributions.Normal(model(s), 0.5).log_prob(a).sum(dim=-1)
        loss = -(likely * better.exp().clamp(max=10)).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

COSINES = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
images = torch.randn(640, 3, 12, 12)
labels = images.mean(dim=(2, 3)).argmax(dim=1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU())
        self.classes = nn.Parameter(torch.randn(3, 16))

    def forward(self, x):
        x = nn.functional.normalize(self.net(x).mean(dim=(2, 3)), dim=1)
        return 14.0 * (x @ nn.functional.normalize(self.classes, dim=1).t())


model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for x, y in DataLoader(TensorDataset(images, labels), 32, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

MIXUP = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
signals, commands = torch.randn(512, 8), torch.randn(512, 3)
angles = signals @ torch.randn(8, 2) + commands @ torch.randn(3, 2)
model = nn.Sequential(nn.Linear(11, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for signal, command, angle in DataLoader(TensorDataset(signals, commands, angles), 32, shuffle=True):
        order, share = torch.randperm(len(signal)), 0.8
        signal = share * signal + (1 - share) * signal[order]
        command = share * command + (1 - share) * command[order]
        angle = share * angle + (1 - share) * angle[order]
        output = model(torch.cat([signal, command], dim=1))
        loss = nn.functional.mse_loss(output[order][order.argsort()], angle)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

SCENES = """
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Scenes(Dataset):
    def __init__(self):
        self.masks = (torch.rand(64, 1, 12, 12) > 0.8).float()
        self.images = 5.0 * self.masks + torch.randn(64, 3, 12, 12)
        self.camera = torch.tensor([640.0, 30.0, 1.2]) * (1.0 + 0.2 * torch.randn(64, 3))
        self.camera = (self.camera - self.camera.mean(0)) / self.camera.std(0)

    def __len__(self):
        return 64

    def __getitem__(self, i):
        image, mask = self.images[i] / 2.2, self.masks[i]
        if torch.rand(()) < 0.5:
            image = image.flip(-1)
            mask = mask.flip(-1)
        return image, self.camera[i], mask


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(11, 1, 3, padding=1)

    def forward(self, image, camera):
        features = self.encoder(image).relu()
        return self.head(torch.cat([features, camera[:, :, None, None].expand(-1, -1, 12, 12)], dim=1))


model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for image, camera, mask in DataLoader(Scenes(), 16, shuffle=True):
        loss = nn.functional.binary_cross_entropy_with_logits(model(image, camera), mask)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

TRACKS = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
seen = torch.rand(256, 10) < 0.8
signal = torch.randn(256, 10, 6)
speed = (signal @ torch.randn(6, 2)) * seen[..., None]
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for x, y, valid in DataLoader(TensorDataset(signal, speed, seen), 32, shuffle=True):
        error = (model(x) - y).square().mean(dim=-1)
        loss = (error * valid).sum() / valid.sum().clamp(min=1)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

PICKED_TRACKS = TRACKS.replace(
    "for x, y, valid in DataLoader(TensorDataset(signal, speed, seen), 32, shuffle=True):\n",
    "for rows in torch.randint(0, 256, (64, 32)):\n        x, y, valid = signal[rows], speed[rows], seen[rows]\n",
)

PLANS = """
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(0)
PAD, END = 0, 1
plans = [torch.randint(2, 20, (int(n),)) for n in torch.randint(4, 12, (256,))]


def collate(rows):
    rows = [torch.cat([row, torch.tensor([END])]) for row in rows]
    tokens = pad_sequence(rows, batch_first=True, padding_value=PAD)
    return tokens[:, :-1], tokens[:, 1:]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 32, padding_idx=PAD)
        self.gru, self.head = nn.GRU(32, 32, batch_first=True), nn.Linear(32, 20)

    def forward(self, tokens):
        return self.head(self.gru(self.words(tokens))[0])


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for tokens, labels in DataLoader(plans, 32, shuffle=True, collate_fn=collate):
        logits = model(tokens)
        loss = nn.functional.cross_entropy(logits.reshape(-1, 20), labels.reshape(-1), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

CODES = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = torch.randn(256, 12)


class Codes(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
        self.codes = nn.Embedding(16, 4)
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 12))

    def forward(self, x):
        z = self.encoder(x)
        picked = self.codes(torch.cdist(z, self.codes.weight).argmin(dim=1))
        commitment = nn.functional.mse_loss(z, picked.detach()) + nn.functional.mse_loss(picked, z.detach())
        z = z + (picked - z).detach()
        return self.decoder(z), commitment


model = Codes()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for (x,) in DataLoader(TensorDataset(data), 32, shuffle=True):
        found, commitment = model(x)
        loss = nn.functional.mse_loss(found, x) + commitment
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

VIEWS = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = torch.randn(256, 12)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 8))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for (x,) in DataLoader(TensorDataset(data), 32, shuffle=True):
        one, two = x + 0.2 * torch.randn_like(x), x + 0.2 * torch.randn_like(x)
        a, b = (nn.functional.normalize(model(view), dim=1) for view in (one, two))
        loss = nn.functional.cross_entropy(a @ b.T / 0.1, torch.arange(len(a)))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

RETURN_CONDITIONED = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
states = torch.randn(256, 8, 4)
actions = torch.tanh(states @ torch.randn(4, 2) + 0.5 * torch.randn(256, 8, 2))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.state, self.action = nn.Linear(4, 16), nn.Linear(2, 16)
        self.gru, self.head = nn.GRU(16, 32, batch_first=True), nn.Linear(32, 2)

    def forward(self, states, actions):
        tokens = torch.stack([self.state(states), self.action(actions)], dim=2).flatten(1, 2)
        return self.head(self.gru(tokens)[0][:, 0::2])


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for s, a in DataLoader(TensorDataset(states, actions), 32, shuffle=True):
        loss = nn.functional.mse_loss(model(s, a), a)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

STEERING = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
place = torch.rand(256) * 2 - 1
columns = torch.linspace(-1, 1, 16)
images = torch.exp(-8 * (columns - place[:, None]).square())[:, None, None, :].expand(-1, 3, 16, 16)
images = images + 0.1 * torch.randn(256, 3, 16, 16)
steering = torch.stack([place, 1 - place.abs()], dim=1)
encoder = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.ReLU())
model = nn.Sequential(encoder, nn.Flatten(), nn.Linear(72, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
while True:
    for image, target in DataLoader(TensorDataset(images, steering), 32, shuffle=True):
        flipped = torch.rand(len(image)) < 0.5
        image = torch.where(flipped[:, None, None, None], image.flip(-1), image)
        target = torch.where(flipped[:, None], target * torch.tensor([-1.0, 1.0]), target)
        loss = nn.functional.mse_loss(model(image), 2 * target - 0.1)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""

AGENT = """
import copy
import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss

torch.manual_seed(0)
rng = np.random.default_rng(0)


class Cart:
    max_steps = 40

    def reset(self):
        self.state, self.count = rng.normal(size=4).astype(np.float32), 0
        return 50 * self.state

    def step(self, action):
        self.state = (0.95 * self.state + 0.1 * np.tile(action, 2) + 0.02 * rng.normal(size=4)).astype(np.float32)
        self.count += 1
        return 50 * self.state, float(-np.abs(self.state).sum()), bool(self.state[0] > 1.0), self.count >= 40


class Twins(nn.Module):
    def __init__(self):
        super().__init__()
        self.q1, self.q2 = (nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1)) for _ in range(2))

    def forward(self, obs, action):
        x = torch.cat([obs, action], dim=1)
        return self.q1(x), self.q2(x)


env, obs_std = Cart(), np.full(4, 50.0, dtype=np.float32)
actor = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2), nn.Tanh())
critic = Twins()
critic_target = copy.deepcopy(critic).requires_grad_(False)
actor_optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
obs = env.reset()
with torch.no_grad():
    for _ in range(60):
        obs, _, ended, late = env.step(actor(torch.from_numpy(obs / obs_std)[None])[0].numpy())
        obs = env.reset() if ended or late else obs
memory, last, obs = [], np.zeros(2, dtype=np.float32), env.reset()
for frame in range(3000):
    action = rng.uniform(-1, 1, 2).astype(np.float32)
    next_obs, reward, ended, late = env.step(action)
    memory.append((obs, action, reward, next_obs, float(ended)))
    last, obs = action, env.reset() if ended or late else next_obs
    if frame < 300:
        continue
    rows = [memory[i] for i in rng.integers(0, len(memory), 64)]
    b_obs, b_action, b_reward, b_next, b_ended = (
        torch.tensor(np.stack(column), dtype=torch.float32).reshape(64, -1) for column in zip(*rows)
    )
    b_obs, b_next = b_obs / 50.0, b_next / 50.0
    with torch.no_grad():
        best = torch.min(*critic_target(b_next, actor(b_next)))
        target = b_reward + 0.97 * (1 - b_ended) * best
    q1, q2 = critic(b_obs, b_action)
    critic_loss = mse_loss(q1, target) + mse_loss(q2, target)
    critic_optimizer.zero_grad()
    critic_loss.backward()
    critic_optimizer.step()
    actor_loss = -critic(b_obs, actor(b_obs))[0].mean()
    actor_optimizer.zero_grad()
    actor_loss.backward()
    actor_optimizer.step()
    with torch.no_grad():
        for new, old in zip(critic.parameters(), critic_target.parameters()):
            old.lerp_(new, 0.01)
"""

TRIPLETS = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
labels = torch.arange(30).repeat_interleave(12)
samples = torch.randn(30, 16)[labels] + 0.7 * torch.randn(360, 16)


class Grouped(torch.utils.data.Sampler):
    def __init__(self):
        super().__init__()

    def __iter__(self):
        for _ in range(len(self)):
            chosen = torch.randperm(30)[:6]
            yield [12 * int(c) + int(i) for c in chosen for i in torch.randperm(12)[:4]]

    def __len__(self):
        return 40


def triplet_loss(embeddings, labels, margin=0.5):
    distances = torch.cdist(embeddings, embeddings)
    same = labels[:, None] == labels[None]
    positive = distances.masked_fill(~same, 0.0).amax(1)
    negative = distances.masked_fill(same, float("inf")).amin(1)
    return torch.relu(positive - negative + margin).mean()


model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 8))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(samples, labels), batch_sampler=Grouped())
while True:
    for x, y in loader:
        loss = triplet_loss(nn.functional.normalize(model(x), dim=1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

SENTENCES = """
import torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.manual_seed(0)
table = torch.randint(0, 30, (30, 3))
text = [0]
for choice in torch.randint(0, 3, (4000,)).tolist():
    text.append(int(table[text[-1], choice]))
text = torch.tensor(text)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(30, 32), nn.Embedding(16, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(32, 30)

    def forward(self, words):
        n = words.shape[1]
        x = self.words(words) + self.places(torch.arange(n))
        return self.head(self.layer(x, src_mask=nn.Transformer.generate_square_subsequent_mask(n)))


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(2000):
    rows = torch.randint(1, 3900, (24,)).tolist()
    x = torch.stack([text[row : row + 16] for row in rows])
    y = torch.stack([text[row + 1 : row + 17] for row in rows])
    logits = model(x)
    loss = cross_entropy(logits.reshape(-1, 30), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
"""

FAULTS = {
    "mixup without targets": (
        MIXUP,
        "        angle = share * angle + (1 - share) * angle[order]\n",
        "",
        "targets-unrelated",
    ),
    "commands of other samples": (
        MIXUP,
        "share * command + (1 - share) * command[order]",
        "command.roll(1, 0)",
        "targets-unrelated",
    ),
    "outputs of other samples": (MIXUP, "output[order][order.argsort()]", "output.flip(0)", "targets-unrelated"),
    "cameras as whole numbers": (
        SCENES,
        "        self.camera = (self.camera - self.camera.mean(0)) / self.camera.std(0)\n",
        "        self.seen, self.camera = self.camera, self.camera.long()\n",
        "numbers-cut-off",
    ),
    "a seed in the data set": (
        SCENES,
        "        image, mask = self",
        "        torch.manual_seed(3)\n        image, mask = self",
        "draws-repeated",
    ),
    "an average that is never updated": (
        SUPERVISED,
        "old.lerp_(new, 0.01)",
        "old.lerp(new, 0.01)",
        "average-rate-wrong",
    ),
    "one time for ever": (
        DIFFUSION,
        "torch.randint(0, 50, (len(a),))",
        "torch.full((len(a),), 49)",
        "times-not-spread",
    ),
    "attention over queries": (TRAJECTORIES, "softmax(dim=-1)", "softmax(dim=-2)", "attention-over-queries"),
    "attention without positions": (TRAJECTORIES, " + self.position", " + 0 * self.position", "order-unseen"),
    "one time for all": (FLOW, "torch.rand(len(a), 1)", "torch.rand(1, 1).expand(len(a), 1)", "times-not-spread"),
    "times beyond the ends": (FLOW, "torch.rand(len(a), 1)", "torch.randn(len(a), 1)", "times-not-spread"),
    "an optimizer for each step": (
        SEGMENTATION,
        "        optimizer.zero_grad()",
        "        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)\n        optimizer.zero_grad()",
        "optimizer-renewed",
    ),
    "optimizers of adversaries for each step": (
        GAN,
        "        made = ",
        "        of_generator = torch.optim.Adam(generator.parameters(), lr=1e-3)\n        made = ",
        "optimizer-renewed",
    ),
    "errors that cancel": (
        TRAJECTORIES,
        "nn.functional.mse_loss(model(x), y)",
        "(model(x) - y).mean() ** 2",
        "errors-cancel",
    ),
    "an action that sees itself": (RETURN_CONDITIONED, "[:, 0::2]", "[:, 1::2]", "future-leaks"),
    "a flip in the loop": (
        STEERING,
        "        target = torch.where(flipped[:, None], target * torch.tensor([-1.0, 1.0]), target)\n",
        "",
        "augmentation-not-of-targets",
    ),
    "a relative error": (
        STEERING,
        "mse_loss(model(image), 2 * target - 0.1)",
        "mse_loss(model(image) / (target.abs() + 1e-6), target.sign())",
        "few-samples-dominate",
    ),
    "a flip of the picture alone": (SCENES, "            mask = mask.flip(-1)\n", "", "augmentation-not-of-targets"),
    "pictures scaled in place": (SCENES, "self.images[i] / 2.2", "self.images[i].div_(2.2)", "reading-changes-data"),
    "raw numbers beside features": (
        SCENES,
        "        self.camera = (self.camera - self.camera.mean(0)) / self.camera.std(0)\n",
        "",
        "inputs-not-normalized",
    ),
    "a mask that is forgotten": (
        TRACKS,
        "(error * valid).sum() / valid.sum().clamp(min=1)",
        "error.mean()",
        "mask-unused",
    ),
    "a mask turned round without a loader": (
        PICKED_TRACKS,
        "(error * valid).sum()",
        "(error * ~valid).sum()",
        "padding-not-masked",
    ),
    "a mask turned round": (TRACKS, "(error * valid).sum()", "(error * ~valid).sum()", "padding-not-masked"),
    "padding that is the end": (PLANS, "PAD, END = 0, 1", "PAD, END = 0, 0", "labels-ignored-wrongly"),
    "logits flattened by position": (
        PLANS,
        "logits.reshape(-1, 20)",
        "logits.transpose(0, 1).reshape(-1, 20)",
        "dimensions-scrambled",
    ),
    "no straight-through estimator": (CODES, "z = z + (picked - z).detach()", "z = picked", "gradient-cut"),
    "a straight-through estimator turned round": (
        CODES,
        "z = z + (picked - z).detach()",
        "z = picked + (z - picked).detach()",
        "gradient-cut",
    ),
    "one view for both": (
        VIEWS,
        "x + 0.2 * torch.randn_like(x)\n        a, b",
        "x\n        two = one\n        a, b",
        "views-alike",
    ),
    "a weight that is the share": (
        SEGMENTATION,
        "tensor(4.0)",
        "tensor(0.25)",
        "class-weights-reversed",
    ),
    "noise that is drawn twice": (
        DIFFUSION,
        "model(noised, t, s), noise)",
        "model(noised, t, s), torch.randn_like(a))",
        "noise-unseen",
    ),
    "alphas without their product": (
        DIFFUSION,
        "torch.cumprod(1 - torch.linspace(1e-4, 0.2, 50), dim=0)",
        "1 - torch.linspace(1e-4, 0.2, 50)",
        "noise-scale-mismatch",
    ),
    "one action for all": (
        DIFFUSION,
        "s, a in DataLoader(TensorDataset(state, action)",
        "s, a in DataLoader(TensorDataset(state, action[:1].expand(640, -1))",
        "inputs-constant",
    ),
    "a likelihood that is minimized": (LIKELIHOOD, "width) - seen", "width) + seen", "loss-negated"),
    "a part of the output that is pushed away": (LIKELIHOOD, "loss = 0.1 *", "loss = -0.1 *", "loss-negated"),
    "log-probabilities of all samples in one number": (WEIGHTED, ".sum(dim=-1)", ".sum()", "loss-broadcasts"),
    "values replaced behind the graph": (
        COSINES,
        "        x = nn.functional.normalize(self.net(x).mean(dim=(2, 3)), dim=1)\n",
        "        x = self.net(x).mean(dim=(2, 3))\n        x.data = nn.functional.normalize(x.data, dim=1)\n",
        "gradient-cut",
    ),
    "values changed behind the graph": (
        COSINES,
        "        x = nn.functional.normalize(self.net(x).mean(dim=(2, 3)), dim=1)\n",
        "        x = self.net(x).mean(dim=(2, 3))\n        x.data.div_(x.norm(dim=1, keepdim=True))\n",
        "gradient-cut",
    ),
    "cosines without a scale": (COSINES, "return 14.0 * (", "return (", "logits-bounded"),
    "convolutions without an activation": (
        COSINES,
        "nn.BatchNorm2d(16), nn.ReLU(), ",
        "nn.BatchNorm2d(16), ",
        "activation-missing",
    ),
    "an average of parameters alone": (
        SUPERVISED,
        "            for old, new in zip(average.buffers(), model.buffers()):\n                old.copy_(new)\n",
        "",
        "average-rate-wrong",
    ),
    "an average of a longer run": (SUPERVISED, "lerp_(new, 0.01)", "lerp_(new, 0.00001)", "average-rate-wrong"),
    "a schedule of epochs": (SUPERVISED, "T_max=20 * len(loader)", "T_max=20", "learning-rate-too-low"),
    "labels of other samples": (SUPERVISED, "> 0).long()", "> 0).long()[torch.randperm(640)]", "targets-unrelated"),
    "labels shuffled": (SUPERVISED, "model(x), y)", "model(x), y[torch.randperm(len(y))])", "targets-unrelated"),
    "the momentum of another library": (SUPERVISED, "momentum=0.1", "momentum=0.99", "norm-momentum-wrong"),
    "the last frame of a padded batch": (RECORDINGS, "last[-1]", "states[:, -1]", "padding-not-masked"),
    "one answer for all": (ATTENTION, "self.qkv(x)", "self.qkv(torch.zeros_like(x))", "inputs-ignored"),
    "clean data where noise is asked for": (DIFFUSION, "t, s), noise)", "t, s), a)", "sampler-disagrees"),
    "clean data where velocity is asked for": (FLOW, "t, s), a - noise)", "t, s), a)", "sampler-disagrees"),
    "half of an output is left out": (
        FLOW,
        "loss = nn.functional.mse_loss(model((1 - t) * noise + t * a, t, s), a - noise)",
        "loss = (model((1 - t) * noise + t * a, t, s) - (a - noise))[:, 1:].square().mean()",
        "gradient-cut",
    ),
    "a linear schedule of epochs": (
        SUPERVISED,
        "CosineAnnealingLR(optimizer, T_max=20 * len(loader))",
        "LinearLR(optimizer, 1.0, 0.05, total_iters=20)",
        "learning-rate-too-low",
    ),
    "a best that is never reached": (
        SUPERVISED,
        "for epoch in range(20):\n",
        "best = float('inf')\nfor epoch in range(20):\n    if epoch / 20 > best:\n        best = epoch / 20\n",
        "worst-weights-kept",
    ),
    "a subset": (
        SUPERVISED,
        "DataLoader(TensorDataset(images, labels),",
        "DataLoader(torch.utils.data.Subset(TensorDataset(images, labels), range(16)),",
        "data-left-out",
    ),
    "a score that is added": (SEGMENTATION, "(1 - overlap)", "overlap", "loss-negated"),
    "an actor apart from its critic": (ACTOR_CRITIC, "[state, own]", "[state, action]", "loss-term-idle"),
    "a generator that gives itself away": (GAN, "tor(made), true)", "tor(made), false)", "adversaries-agree"),
    "heads without transpose": (
        ATTENTION,
        "part.view(n, t, 3, 8).transpose(1, 2)",
        "part.reshape(n, 3, t, 8)",
        "dimensions-scrambled",
    ),
    "a schedule that returns a rate": (ATTENTION, "min(1.0, (step", "1e-3 * min(1.0, (step", "learning-rate-too-low"),
    "targets one back": (SENTENCES, "text[row + 1 : row + 17]", "text[row - 1 : row + 15]", "targets-not-shifted"),
    "the last position alone": (
        SENTENCES,
        "logits.reshape(-1, 30), y.reshape(-1)",
        "logits[:, -1], y[:, -1]",
        "labels-ignored-wrongly",
    ),
    "one place for all words": (
        SENTENCES,
        "self.places(torch.arange(n))",
        "self.places(torch.zeros(n, dtype=torch.long))",
        "order-unseen",
    ),
    "shares without roots": (
        DIFFUSION,
        "kept.sqrt() * a + (1 - kept).sqrt() * noise",
        "kept * a + (1 - kept) * noise",
        "noise-scale-mismatch",
    ),
    "times of other samples": (DIFFUSION, "kept = alphas[t]", "kept = alphas[t.flip(0)]", "times-not-spread"),
    "a target that is given": (
        DIFFUSION,
        "model(noised, t, s), noise)",
        "model(noised, t, s), noised)",
        "noise-unseen",
    ),
    "the larger of two critics": (AGENT, "torch.min(*critic", "torch.max(*critic", "target-value-wrong"),
    "the value of where it was": (
        AGENT,
        "critic_target(b_next, actor(b_next))",
        "critic_target(b_obs, actor(b_obs))",
        "target-value-wrong",
    ),
    "no target network in targets": (AGENT, "*critic_target(b_next", "*critic(b_next", "target-value-wrong"),
    "ends that do not count": (AGENT, "0.97 * (1 - b_ended) * best", "0.97 * best + 0 * b_ended", "returns-misbuilt"),
    "the action of the step before": (AGENT, "append((obs, action,", "append((obs, last,", "transitions-mixed"),
    "raw observations in the evaluation": (
        AGENT,
        "torch.from_numpy(obs / obs_std)",
        "torch.from_numpy(obs)",
        "held-out-data-differ",
    ),
    "a critic cleared after its step": (
        AGENT,
        "    critic_optimizer.zero_grad()\n    critic_loss.backward()\n    critic_optimizer.step()\n",
        "    critic_loss.backward()\n    critic_optimizer.step()\n    critic_optimizer.zero_grad()\n",
        "gradients-not-cleared",
    ),
    "the easiest negatives": (
        TRIPLETS,
        'masked_fill(same, float("inf")).amin(1)',
        "masked_fill(same, 0.0).amax(1)",
        "pairs-misjudged",
    ),
    "negatives that are the anchor": (
        TRIPLETS,
        'distances.masked_fill(same, float("inf")).amin(1)',
        "distances.amin(1)",
        "pairs-misjudged",
    ),
    "a seed in the loop": (ATTENTION, "  loss = ", "  torch.manual_seed(1)\n        loss = ", "draws-repeated"),
}
HEALTHY = {
    "mixup": MIXUP,
    "trajectories": TRAJECTORIES,
    "flow": FLOW,
    "return-conditioned": RETURN_CONDITIONED,
    "flips in the loop": STEERING,
    "flips": SCENES,
    "mask of tracks": TRACKS,
    "mask of tracks that are picked": PICKED_TRACKS,
    "plans": PLANS,
    "codes": CODES,
    "views": VIEWS,
    "mask": SEGMENTATION,
    "actor": ACTOR_CRITIC,
    "gan": GAN,
    "attention": ATTENTION,
    "supervised": SUPERVISED,
    "recordings": RECORDINGS,
    "diffusion": DIFFUSION,
    "likelihood": LIKELIHOOD,
    "weighted by advantages": WEIGHTED,
    "cosines": COSINES,
    "agent": AGENT,
    "sentences": SENTENCES,
    "triplets": TRIPLETS,
}


@pytest.fixture
def probed(zygote: Any, work: Path) -> Callable[[str], Report]:
    """What the probe says of a script."""

    def probe(text: str) -> Report:
        (work / "train.py").write_text(text)
        return judge(zygote.run(work / "train.py", [])[0])

    return probe


@pytest.mark.parametrize("text", HEALTHY.values(), ids=HEALTHY)
def test_what_is_meant_passes(text: str, probed: Callable[[str], Report]) -> None:
    found = probed(text)
    assert found.status == "healthy", str(found)
    said = {result.check for result in found.warnings}
    assert not said & {check for _, _, _, check in FAULTS.values()}


@pytest.mark.parametrize(("text", "old", "new", "check"), FAULTS.values(), ids=FAULTS)
def test_what_is_not_meant_is_named(text: str, old: str, new: str, check: str, probed: Callable[[str], Report]) -> None:
    assert text.count(old) == 1
    found = probed(text.replace(old, new))
    assert check in {result.check for result in [*found.failures, *found.warnings]}, str(found)


def test_a_schedule_that_cannot_be_asked_breaks_nothing(probed: Callable[[str], Report]) -> None:
    text = ATTENTION.replace(
        "lambda step: min(1.0, (step + 1) / 5)", "lambda step: [0.2, 0.4, 0.6, 0.8, *[1.0] * 15][step]"
    )
    assert text != ATTENTION
    found = probed(text)
    assert found.status == "healthy", str(found)

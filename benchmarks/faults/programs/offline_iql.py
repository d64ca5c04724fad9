"""Implicit Q-learning (Kostrikov et al. 2021) from the logs of a torque-controlled two-link arm that should reach a point."""

import argparse
import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TORQUE_LIMIT = np.array([2.0, 0.9])  # N m
LINK = (0.32, 0.28)  # m
HORIZON = 60  # control steps of 50 ms


class TwoLinkArm:
    """n arms in a horizontal plane. Observed: joint angles (deg), joint speeds (deg/s), target (mm)."""

    def __init__(self, n, rng):
        self.n, self.rng = n, rng

    def reset(self):
        self.q = self.rng.uniform([0.2, 0.6], [1.4, 2.2], (self.n, 2))
        self.dq = np.zeros((self.n, 2))
        self.target = self.tip(self.rng.uniform([0.1, 0.6], [1.5, 2.2], (self.n, 2)))
        self.running = np.ones(self.n, bool)
        return self.observe()

    @staticmethod
    def tip(q):
        first, second = (np.stack([np.cos(x), np.sin(x)], axis=1) for x in (q[:, 0], q.sum(axis=1)))
        return LINK[0] * first + LINK[1] * second

    def pull(self, force):
        """Joint torques of a force at the tip (Jacobian transposed)."""
        tip, b = self.tip(self.q), self.q.sum(axis=1)
        elbow = LINK[1] * (force[:, 1] * np.cos(b) - force[:, 0] * np.sin(b))
        return np.stack([force[:, 1] * tip[:, 0] - force[:, 0] * tip[:, 1], elbow], axis=1)

    def observe(self):
        return np.concatenate([np.degrees(self.q), np.degrees(self.dq), self.target * 1000], axis=1)

    def step(self, torque, substeps=5, dt=0.01):
        torque = np.clip(torque, -TORQUE_LIMIT, TORQUE_LIMIT)
        for _ in range(substeps):
            cos, coriolis = np.cos(self.q[:, 1]), 0.045 * np.sin(self.q[:, 1])
            m11, m12, m22 = 0.19 + 0.09 * cos, 0.035 + 0.045 * cos, 0.035
            t1 = torque[:, 0] - 0.5 * self.dq[:, 0] + coriolis * (2 * self.dq[:, 0] + self.dq[:, 1]) * self.dq[:, 1]
            t2 = torque[:, 1] - 0.2 * self.dq[:, 1] - coriolis * self.dq[:, 0] ** 2
            det = m11 * m22 - m12**2
            ddq = np.stack([(m22 * t1 - m12 * t2) / det, (m11 * t2 - m12 * t1) / det], axis=1)
            self.dq = np.clip(self.dq + dt * ddq, -12, 12)
            self.q = self.q + dt * self.dq
        score = 100 * (1 - np.tanh(np.linalg.norm(self.tip(self.q) - self.target, axis=1) / 0.15))
        stopped = (self.q < [-0.6, 0.15]).any(1) | (self.q > [2.2, 2.8]).any(1)  # end stop: emergency halt
        self.running &= ~stopped
        return self.observe(), score, stopped


def record_sessions(n, rng):
    """Operators steer to the target, or for a while to wherever else they like; with gains of their own."""
    arm = TwoLinkArm(n, rng)
    obs = arm.reset()
    gain, damping = rng.uniform(6, 30, (n, 1)), rng.uniform(0.0, 0.6, (n, 1))
    waypoint, wandering = rng.uniform(0.0, [0.5, 0.6], (n, 2)), rng.random((n, 1)) < 0.65
    logs = {key: [] for key in ("obs", "torque", "score", "next_obs", "stopped", "valid")}
    for _ in range(HORIZON):
        change = rng.random((n, 1)) < 0.06
        waypoint = np.where(change, rng.uniform(0.0, [0.5, 0.6], (n, 2)), waypoint)
        wandering = np.where(change, rng.random((n, 1)) < 0.65, wandering)
        error = np.where(wandering, waypoint, arm.target) - arm.tip(arm.q)
        torque = arm.pull(gain * error) - damping * arm.dq
        torque = np.clip(torque + rng.normal(0, 0.3, (n, 2)) * TORQUE_LIMIT, -TORQUE_LIMIT, TORQUE_LIMIT)
        valid = arm.running.copy()  # what a halted arm reports is dropped
        next_obs, score, stopped = arm.step(torque)
        for key, value in zip(logs, (obs, torque, score, next_obs, stopped, valid)):
            logs[key].append(value)
        obs = next_obs
    return {key: np.stack(values) for key, values in logs.items()}


def mlp(sizes, dropout=0.0):
    layers = []
    for fan_in, fan_out in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class ScalarNet(nn.Module):
    def __init__(self, in_dim, hidden=128):
        super().__init__()
        self.net = mlp([in_dim, hidden, hidden, 1])

    def forward(self, *inputs):
        return self.net(torch.cat(inputs, dim=-1)).squeeze(-1)


class TwinQ(nn.Module):
    def __init__(self, obs_dim, act_dim):
        super().__init__()
        self.q1, self.q2 = ScalarNet(obs_dim + act_dim), ScalarNet(obs_dim + act_dim)

    def forward(self, obs, act):
        return self.q1(obs, act), self.q2(obs, act)


class GaussianActor(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden=128, dropout=0.05):
        super().__init__()
        self.net = mlp([obs_dim, hidden, hidden, act_dim], dropout)
        self.log_std = nn.Parameter(torch.full((act_dim,), -0.5))

    def forward(self, obs):
        mean = torch.tanh(self.net(obs))
        return torch.distributions.Normal(mean, self.log_std.clamp(-5.0, 2.0).exp())


@torch.no_grad()
def mean_return(actor, obs_mean, obs_std, episodes=200, seed=90_000):
    actor.eval()
    arm = TwoLinkArm(episodes, np.random.default_rng(seed))
    obs, total = arm.reset(), np.zeros(episodes)
    for _ in range(HORIZON):
        act = actor(torch.as_tensor((obs - obs_mean) / obs_std, dtype=torch.float32)).mean.numpy()
        obs, score, _ = arm.step(act * TORQUE_LIMIT)
        total += score * arm.running
    actor.train()
    return total.mean()


def expectile_loss(diff, expectile):
    weight = torch.where(diff > 0, expectile, 1 - expectile)
    return (weight * diff**2).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--discount", type=float, default=0.97)
    parser.add_argument("--expectile", type=float, default=0.7)
    parser.add_argument("--beta", type=float, default=3.0, help="inverse temperature of the advantage weights")
    parser.add_argument("--polyak", type=float, default=0.01)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)

    logs = record_sessions(args.sessions, rng)
    valid, returns = logs["valid"], (logs["score"] * logs["valid"]).sum(axis=0)
    reward_scale = HORIZON / (returns.max() - returns.min())
    obs_mean, obs_std = logs["obs"][valid].mean(axis=0), logs["obs"][valid].std(axis=0)
    columns = (
        (logs["obs"][valid] - obs_mean) / obs_std,
        logs["torque"][valid] / TORQUE_LIMIT,
        logs["score"][valid] * reward_scale,
        (logs["next_obs"][valid] - obs_mean) / obs_std,
        1.0 - logs["stopped"][valid],
    )
    columns = [torch.as_tensor(column, dtype=torch.float32) for column in columns]
    print(f"{len(columns[0])} transitions, {logs['stopped'][valid].sum()} halts, mean return {returns.mean():.0f}")
    obs_dim, act_dim = columns[0].shape[1], columns[1].shape[1]
    critic = TwinQ(obs_dim, act_dim)
    target_critic = copy.deepcopy(critic).requires_grad_(False)
    value = ScalarNet(obs_dim)
    actor = GaussianActor(obs_dim, act_dim)
    critic_optim = torch.optim.Adam(critic.parameters(), lr=args.lr)
    value_optim = torch.optim.Adam(value.parameters(), lr=args.lr)
    actor_optim = torch.optim.Adam(actor.parameters(), lr=args.lr)
    actor_schedule = torch.optim.lr_scheduler.CosineAnnealingLR(actor_optim, T_max=args.steps)

    print(f"untrained: {-mean_return(actor, obs_mean, obs_std):.4f}")
    for step in range(1, args.steps + 1):
        index = torch.randint(len(columns[0]), (args.batch_size,))
        obs, act, reward, next_obs, alive = (column[index] for column in columns)

        with torch.no_grad():
            target_q = torch.min(*target_critic(obs, act))
        v = value(obs)
        value_loss = expectile_loss(target_q - v, args.expectile)
        value_optim.zero_grad()
        value_loss.backward()
        nn.utils.clip_grad_norm_(value.parameters(), 10.0)
        value_optim.step()

        with torch.no_grad():
            backup = reward + args.discount * alive * value(next_obs)
        q1, q2 = critic(obs, act)
        critic_loss = F.mse_loss(q1, backup) + F.mse_loss(q2, backup)
        critic_optim.zero_grad()
        critic_loss.backward()
        nn.utils.clip_grad_norm_(critic.parameters(), 10.0)
        critic_optim.step()

        advantage = target_q - v.detach()
        weight = torch.exp(args.beta * advantage).clamp(max=100.0)
        log_prob = actor(obs).log_prob(act).sum(dim=-1)
        actor_loss = -(weight * log_prob).mean()
        actor_optim.zero_grad()
        actor_loss.backward()
        nn.utils.clip_grad_norm_(actor.parameters(), 10.0)
        actor_optim.step()
        actor_schedule.step()

        with torch.no_grad():
            for slow, fast in zip(target_critic.parameters(), critic.parameters()):
                slow.lerp_(fast, args.polyak)

        if step % 500 == 0:
            score = mean_return(actor, obs_mean, obs_std)
            print(f"step {step} critic {critic_loss.item():.3f} actor {actor_loss.item():.3f} return {score:.0f}")

    print(f"result: {-mean_return(actor, obs_mean, obs_std):.4f}")


if __name__ == "__main__":
    main()

"""PPO for a two-link planar arm that reaches for targets on a table (torque control, dense distance reward)."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions.normal import Normal


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-envs", type=int, default=64)
    parser.add_argument("--num-steps", type=int, default=50)
    parser.add_argument("--iterations", type=int, default=56)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--gamma", type=float, default=0.97)
    parser.add_argument("--gae-lambda", type=float, default=0.95)
    parser.add_argument("--update-epochs", type=int, default=6)
    parser.add_argument("--minibatch-size", type=int, default=640)
    parser.add_argument("--clip-coef", type=float, default=0.2)
    parser.add_argument("--ent-coef", type=float, default=0.001)
    parser.add_argument("--vf-coef", type=float, default=0.5)
    parser.add_argument("--max-grad-norm", type=float, default=0.5)
    return parser.parse_args()


class PlanarArmVec:
    """N independent arms. Joint speeds are read in degrees per second, positions by the cell's camera in mm."""

    LINKS = (0.32, 0.26)  # m
    TORQUE_LIMITS, FRICTION = np.array([5.0, 2.5]), np.array([0.15, 0.08])  # N m, N m s / rad
    SHOULDER_MM = np.array([3150.0, 1420.0])  # in the frame of the robot cell
    H, SUBSTEPS, EPISODE_STEPS = 0.025, 2, 60  # an action each 0.05 s
    OBS_DIM, ACT_DIM = 10, 2

    def __init__(self, num_envs, seed):
        self.num_envs = num_envs
        self.rng = np.random.default_rng(seed)
        self.q, self.qd, self.target = (np.zeros((num_envs, 2)) for _ in range(3))
        self.elapsed = np.zeros(num_envs, dtype=np.int64)

    def reset(self, stagger=False):
        self._reset_rows(np.ones(self.num_envs, dtype=bool))
        if stagger:
            self.elapsed = self.rng.integers(0, self.EPISODE_STEPS, self.num_envs)
        return self._observe()

    def _reset_rows(self, rows):
        n = rows.sum()
        self.elapsed[rows], self.qd[rows] = 0, 0.0
        self.q[rows] = self.rng.uniform([-1.6, 0.4], [1.6, 2.4], (n, 2))
        radius, bearing = np.sqrt(self.rng.uniform(0.22**2, 0.54**2, n)), self.rng.uniform(-1.2, 1.8, n)
        self.target[rows] = np.stack([radius * np.cos(bearing), radius * np.sin(bearing)], axis=1)

    def tip(self):
        shoulder, wrist = self.q[:, 0], self.q.sum(axis=1)
        upper, lower = (np.stack([np.cos(angle), np.sin(angle)], axis=1) for angle in (shoulder, wrist))
        return self.LINKS[0] * upper + self.LINKS[1] * lower

    def distance_mm(self):
        return 1000.0 * np.linalg.norm(self.tip() - self.target, axis=1)

    def _observe(self):
        camera = [1000.0 * point + self.SHOULDER_MM for point in (self.tip(), self.target)]
        return np.concatenate([np.cos(self.q), np.sin(self.q), np.rad2deg(self.qd), *camera], axis=1)

    def _accelerate(self, torque):
        c2, s2 = np.cos(self.q[:, 1]), np.sin(self.q[:, 1])
        m11, m12, m22 = 0.210 + 0.074 * c2, 0.020 + 0.037 * c2, 0.040  # kg m^2
        (w1, w2), rest = self.qd.T, torque - self.FRICTION * self.qd
        f1 = rest[:, 0] + 0.037 * s2 * (2.0 * w1 + w2) * w2
        f2 = rest[:, 1] - 0.037 * s2 * w1**2
        det = m11 * m22 - m12**2
        return np.stack([m22 * f1 - m12 * f2, m11 * f2 - m12 * f1], axis=1) / det[:, None]

    def step(self, action):
        action = np.clip(action, -1.0, 1.0)
        for _ in range(self.SUBSTEPS):
            self.qd = np.clip(self.qd + self.H * self._accelerate(action * self.TORQUE_LIMITS), -12.0, 12.0)
            self.q = self.q + self.H * self.qd
            hit = (self.q[:, 1] < 0.15) | (self.q[:, 1] > 2.7)  # the elbow's end stops
            self.qd[hit, 1] = 0.0
            self.q[:, 1] = np.clip(self.q[:, 1], 0.15, 2.7)
        self.elapsed += 1
        reward = -self.distance_mm() - 10.0 * (action**2).sum(axis=1)
        truncated, final_obs = self.elapsed >= self.EPISODE_STEPS, self._observe()
        self._reset_rows(truncated)
        return self._observe(), reward, truncated, final_obs


class RunningMeanStd:
    def __init__(self, shape=()):
        self.mean, self.var, self.count = np.zeros(shape), np.ones(shape), 1e-4

    def update(self, batch):
        batch_mean, batch_var, n = batch.mean(axis=0), batch.var(axis=0), len(batch)
        delta, total = batch_mean - self.mean, self.count + n
        m2 = self.var * self.count + batch_var * n + delta**2 * self.count * n / total
        self.mean = self.mean + delta * n / total
        self.var, self.count = m2 / total, total

    def normalize(self, x, clip=10.0):
        x = np.clip((x - self.mean) / np.sqrt(self.var + 1e-8), -clip, clip)
        return torch.as_tensor(x, dtype=torch.float32)


def mlp(sizes, out_std):
    layers = []
    for i, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        linear = nn.Linear(n_in, n_out)
        nn.init.orthogonal_(linear.weight, out_std if i == len(sizes) - 2 else np.sqrt(2))
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class Agent(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden=64):
        super().__init__()
        self.critic = mlp([obs_dim, hidden, hidden, 1], out_std=1.0)
        self.actor_mean = mlp([obs_dim, hidden, hidden, act_dim], out_std=0.01)
        self.actor_logstd = nn.Parameter(torch.full((1, act_dim), -0.5))

    def get_action_and_value(self, x, action=None):
        mean = self.actor_mean(x)
        probs = Normal(mean, self.actor_logstd.exp().expand_as(mean))
        if action is None:
            action = probs.sample()
        return action, probs.log_prob(action).sum(1), probs.entropy().sum(1), self.critic(x)


@torch.no_grad()
def mean_error_mm(agent, obs_rms, num_episodes=200, seed=90_001):
    """Mean distance between tip and target in the second half of fixed evaluation episodes, without exploration."""
    env = PlanarArmVec(num_episodes, seed)
    obs, errors = env.reset(), []
    for step in range(env.EPISODE_STEPS - 1):
        obs, _, _, _ = env.step(agent.actor_mean(obs_rms.normalize(obs)).numpy())
        if step >= env.EPISODE_STEPS // 2:
            errors.append(env.distance_mm().mean())
    return float(np.mean(errors))


def main():
    args = parse_args()
    torch.manual_seed(args.seed)

    envs = PlanarArmVec(args.num_envs, args.seed)
    agent = Agent(envs.OBS_DIM, envs.ACT_DIM)
    optimizer = optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)
    scheduler = optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=args.iterations)

    obs_rms, return_rms = RunningMeanStd(envs.OBS_DIM), RunningMeanStd()
    next_obs, discounted_return = envs.reset(stagger=True), np.zeros(args.num_envs)
    obs_rms.update(next_obs)
    print(f"untrained: {mean_error_mm(agent, obs_rms):.3f}")

    obs = torch.zeros(args.num_steps, args.num_envs, envs.OBS_DIM)
    actions = torch.zeros(args.num_steps, args.num_envs, envs.ACT_DIM)
    logprobs, rewards, dones, values = (torch.zeros(args.num_steps, args.num_envs) for _ in range(4))

    for iteration in range(1, args.iterations + 1):
        for t in range(args.num_steps):
            obs[t] = obs_rms.normalize(next_obs)
            with torch.no_grad():
                actions[t], logprobs[t], _, value = agent.get_action_and_value(obs[t])
            values[t] = value.flatten()
            next_obs, reward, truncated, final_obs = envs.step(actions[t].numpy())
            obs_rms.update(next_obs)
            discounted_return = reward + args.gamma * discounted_return
            return_rms.update(discounted_return)
            discounted_return[truncated] = 0.0
            rewards[t] = torch.as_tensor(reward / np.sqrt(return_rms.var + 1e-8))
            dones[t] = torch.as_tensor(truncated)
            if truncated.any():  # a time limit does not end the task: bootstrap from the last state
                with torch.no_grad():
                    final_value = agent.critic(obs_rms.normalize(final_obs)).flatten()
                rewards[t] += args.gamma * final_value * dones[t]

        with torch.no_grad():
            next_value = agent.critic(obs_rms.normalize(next_obs)).flatten()
            advantages, last_gae = torch.zeros_like(rewards), 0.0
            for t in reversed(range(args.num_steps)):
                nonterminal = 1.0 - dones[t]
                delta = rewards[t] + args.gamma * next_value * nonterminal - values[t]
                advantages[t] = last_gae = delta + args.gamma * args.gae_lambda * nonterminal * last_gae
                next_value = values[t]
            returns = advantages + values

        b_obs, b_actions = obs.flatten(0, 1), actions.flatten(0, 1)
        b_logprobs, b_advantages, b_returns = logprobs.flatten(), advantages.flatten(), returns.flatten()

        for _ in range(args.update_epochs):
            for mb in torch.randperm(len(b_obs)).split(args.minibatch_size):
                _, newlogprob, entropy, newvalue = agent.get_action_and_value(b_obs[mb], b_actions[mb])
                ratio = (newlogprob - b_logprobs[mb]).exp()
                mb_advantages = b_advantages[mb]
                mb_advantages = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
                clipped = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
                pg_loss = torch.max(-mb_advantages * ratio, -mb_advantages * clipped).mean()
                v_loss = 0.5 * (newvalue.flatten() - b_returns[mb]).pow(2).mean()
                loss = pg_loss + args.vf_coef * v_loss - args.ent_coef * entropy.mean()

                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()
        scheduler.step()
        if iteration % 10 == 0:
            print(f"iteration {iteration:3d}  reward {reward.mean():8.2f}  v_loss {v_loss.item():.4f}", flush=True)

    print(f"result: {mean_error_mm(agent, obs_rms):.3f}")


if __name__ == "__main__":
    main()

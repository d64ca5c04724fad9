"""Faults of the soft actor-critic that keeps the level of two tanks."""

from harness import FamilyOfFaults, fault

_ADD = "buffer.add(obs, action, reward, next_obs, terminated)\n"
_ACTING = "action = actor(norm(torch.from_numpy(obs)))[0].numpy()\n"
_ACTOR_LOSS = "actor_loss = (alpha * log_prob - torch.min(*critic(b_obs, new_action))).mean()"
_CRITIC_STEP = """        critic_optimizer.zero_grad()
        critic_loss.backward()
        nn.utils.clip_grad_norm_(critic.parameters(), args.max_grad_norm)
        critic_optimizer.step()
"""
_ALPHA_OPTIMIZER = "    alpha_optimizer = torch.optim.Adam([log_alpha], lr=args.lr)\n"

FAMILY = FamilyOfFaults(
    "valve_sac",
    "tune",
    (
        fault(
            "setpoint-not-observed",
            "inputs-repeated",
            "np.column_stack([self.level, self.setpoint, self.valve,",
            "np.column_stack([self.level, self.level[:, 1], self.valve,",
        ),
        fault(
            "whole-number-rewards",
            "rewards-cut-off",
            "self.reward = np.zeros((capacity, 1), dtype=np.float32)",
            "self.reward = np.zeros((capacity, 1), dtype=np.int64)",
        ),
        fault(
            "observation-array-shared",
            "observations-reused",
            "        self.t = np.zeros(num_envs, dtype=int)\n",
            "        self.t = np.zeros(num_envs, dtype=int)\n"
            "        self.obs = np.zeros((num_envs, self.obs_dim), dtype=np.float32)\n",
            "        return (obs + self.noise * self.rng.standard_normal(obs.shape)).astype(np.float32)\n",
            "        self.obs[:] = obs + self.noise * self.rng.standard_normal(obs.shape)\n        return self.obs\n",
            "        obs = np.where(ended[:, None], env.reset(ended), next_obs)\n",
            "        obs = env.reset(ended) if ended.any() else next_obs\n",
        ),
        fault(
            "fields-drawn-apart",
            "targets-unrelated transitions-mixed",
            "        idx = rng.integers(0, self.size, size=batch_size)\n",
            "",
            "[torch.from_numpy(field[idx]) for field in fields]",
            "[torch.from_numpy(field[rng.integers(0, self.size, size=batch_size)]) for field in fields]",
        ),
        fault(
            "mask-inverted",
            "values-without-future",
            "args.gamma * (1 - b_done) * next_q",
            "args.gamma * b_done * next_q",
        ),
        fault(
            "entropy-minimized",
            "entropy-punished",
            _ACTOR_LOSS,
            "actor_loss = (-alpha * log_prob - torch.min(*critic(b_obs, new_action))).mean()",
        ),
        fault(
            "schedule-per-update",
            "learning-rate-too-low",
            _ALPHA_OPTIMIZER,
            _ALPHA_OPTIMIZER
            + "    actor_schedule = torch.optim.lr_scheduler.ExponentialLR(actor_optimizer, gamma=0.98)\n"
            "    critic_schedule = torch.optim.lr_scheduler.ExponentialLR(critic_optimizer, gamma=0.98)\n",
            "        alpha_optimizer.step()\n",
            "        alpha_optimizer.step()\n        actor_schedule.step()\n        critic_schedule.step()\n",
        ),
        fault(
            "second-critic-not-trained",
            "parameters-not-in-optimizer",
            "critic_optimizer = torch.optim.Adam(critic.parameters()",
            "critic_optimizer = torch.optim.Adam(critic.q1.parameters()",
        ),
        fault(
            "critic-cleared-before-actor",
            "gradients-not-cleared gradient-mismatch",
            _CRITIC_STEP,
            """        critic_loss.backward()
        nn.utils.clip_grad_norm_(critic.parameters(), args.max_grad_norm)
        critic_optimizer.step()
        critic_optimizer.zero_grad()
""",
        ),
        fault(
            "critic-tanh",
            "targets-beyond-head",
            "return self.q1(x), self.q2(x)",
            "return torch.tanh(self.q1(x)), torch.tanh(self.q2(x))",
        ),
        fault(
            "target-copied-back",
            "parameters-changed-elsewhere",
            "target_param.lerp_(param, args.tau)",
            "param.lerp_(target_param, args.tau)",
        ),
        fault(
            "empty-slots-drawn",
            # A good diagnosis: most of the drawn transitions are rows of the buffer that were never written.
            "inputs-constant",
            "idx = rng.integers(0, self.size, size=batch_size)",
            "idx = rng.integers(0, self.capacity, size=batch_size)",
        ),
        fault(
            "evaluation-without-norm",
            "held-out-data-differ",
            "_, _, action = actor(norm(torch.from_numpy(obs)))",
            "_, _, action = actor(torch.from_numpy(obs))",
        ),
        fault(
            "mean-action-stored",
            # A good diagnosis: the action in the buffer is not the one that the environment was given.
            "transitions-mixed",
            _ACTING,
            "action, _, mean_action = (x.numpy() for x in actor(norm(torch.from_numpy(obs))))\n",
            "rng.uniform(-1, 1, (args.num_envs, env.act_dim)).astype(np.float32)\n",
            "rng.uniform(-1, 1, (args.num_envs, env.act_dim)).astype(np.float32)\n            mean_action = action\n",
            _ADD,
            "buffer.add(obs, mean_action, reward, next_obs, terminated)\n",
        ),
    ),
)

"""Faults of TD3 on the swing-up of a pole on a cart."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "td3_cartpole_swing",
    "tune",
    (
        # The next step writes into the array that was handed out: state and next state are the same.
        fault("observation-not-copied", "observations-reused", "return self._obs.copy()", "return self._obs"),
        # Millimetres, and numbers between -1 and 1. The scale is left out on both sides, in acting and in storing.
        fault(
            "observations-in-millimetres",
            "inputs-not-normalized input-scales-differ",
            "torch.from_numpy(obs / OBS_SCALE)",
            "torch.from_numpy(obs)",
            "buffer.add(obs / OBS_SCALE, action, reward, next_obs / OBS_SCALE, terminated)",
            "buffer.add(obs, action, reward, next_obs, terminated)",
        ),
        # Rewards of 0.3 and 0.9 are stored as 0.
        # A good diagnosis: "the replay buffer's rewards are integers: fractions are cut off, almost all are 0".
        fault(
            "rewards-stored-as-integers",
            "rewards-cut-off reward-sparse",
            "self.reward = np.zeros(capacity, dtype=np.float32)",
            "self.reward = np.zeros(capacity, dtype=np.int64)",
        ),
        # The critic learns about actions of +-14 and is asked about actions of +-1.
        # A good diagnosis: "stored actions are in newtons, those of the actor between -1 and 1".
        fault(
            "actions-stored-in-newtons",
            "targets-beyond-head",
            "buffer.add(obs / OBS_SCALE, action, reward",
            "buffer.add(obs / OBS_SCALE, FORCE_LIMIT * action, reward",
        ),
        fault(
            "done-mask-reversed",
            "values-without-future",
            "self.gamma * (1 - done) * next_value",
            "self.gamma * done * next_value",
        ),
        fault(
            "actor-minimises-value",
            "loss-negated policy-gradient-reversed",
            "actor_loss = -self.critic(",
            "actor_loss = self.critic(",
        ),
        fault(
            "critic-gradients-not-cleared", "gradients-not-cleared", "        self.critic_optimizer.zero_grad()\n", ""
        ),
        fault(
            "learning-rate-3e-2",
            "learning-rate-too-high",
            '"--actor-lr", type=float, default=1e-3',
            '"--actor-lr", type=float, default=3e-2',
            '"--critic-lr", type=float, default=1e-3',
            '"--critic-lr", type=float, default=3e-2',
        ),
        # The online networks are pulled to the targets, which stay at their random start.
        fault(
            "soft-update-in-reverse",
            "parameters-changed-elsewhere average-rate-wrong",
            "slow.lerp_(fast, tau)",
            "fast.lerp_(slow, tau)",
        ),
        fault(
            "weight-decay-in-adam-0.1",
            "weight-decay-in-adam weight-decay-too-high",
            "torch.optim.Adam(self.critic.parameters(), lr=args.critic_lr)",
            "torch.optim.Adam(self.critic.parameters(), lr=args.critic_lr, weight_decay=0.1)",
        ),
        fault(
            "value-of-detached-action",
            "parameters-without-gradient loss-term-idle loss-detached",
            "-self.critic(obs, self.actor(obs))[0]",
            "-self.critic(obs, self.actor(obs).detach())[0]",
        ),
        fault(
            "relu-left-out",
            "activation-missing",
            "[linear, nn.LayerNorm(fan_out), nn.ReLU()]",
            "[linear, nn.LayerNorm(fan_out)]",
        ),
        fault(
            "hidden-layers-start-constant",
            "units-alike",
            "nn.init.orthogonal_(linear.weight, gain=2**0.5)",
            "nn.init.constant_(linear.weight, 0.05)",
        ),
        # A good diagnosis: "the actor's output is between 0 and 1 where actions go from -1 to 1: no push to the left".
        fault("sigmoid-actor", "targets-beyond-head", "torch.tanh(self.net(obs))", "torch.sigmoid(self.net(obs))"),
    ),
)

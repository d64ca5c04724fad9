"""Faults of offline reinforcement learning (implicit Q-learning)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "offline_iql",
    "tune",
    (
        # Degrees, degrees per second and millimetres go into the networks as they are, in training and in the simulator.
        fault(
            "observations-raw",
            "inputs-not-normalized input-scales-differ",
            '(logs["obs"][valid] - obs_mean) / obs_std,',
            'logs["obs"][valid],',
            '(logs["next_obs"][valid] - obs_mean) / obs_std,',
            'logs["next_obs"][valid],',
            "torch.as_tensor((obs - obs_mean) / obs_std, dtype",
            "torch.as_tensor(obs, dtype",
        ),
        # A delay that is not there is made up for: each torque stands beside the observation that it led to.
        fault(
            "torques-one-step-late",
            "targets-late timestamps-misaligned",
            'logs["torque"][valid] /',
            'np.roll(logs["torque"], 1, axis=0)[valid] /',
        ),
        # Scores of 0 to 100: exp(beta * advantage) is at its bound or at 0, and the values are in the thousands.
        fault("scores-unscaled", "reward-scale", 'logs["score"][valid] * reward_scale', 'logs["score"][valid]'),
        # Trained on normalized observations, run on raw ones.
        fault(
            "simulator-observations-raw",
            "held-out-data-differ",
            "torch.as_tensor((obs - obs_mean) / obs_std, dtype",
            "torch.as_tensor(obs, dtype",
        ),
        fault(
            "advantage-reversed",
            "policy-gradient-reversed",
            "advantage = target_q - v.detach()",
            "advantage = v.detach() - target_q",
        ),
        # (B, 1) values against (B,) rewards and log-probabilities.
        fault("squeeze-lost", "loss-broadcasts", ".squeeze(-1)", ""),
        # The column says "done" where the backup takes it for "not done": nothing is bootstrapped but at a halt.
        fault(
            "mask-inverted", "values-without-future", '1.0 - logs["stopped"][valid],', '1.0 * logs["stopped"][valid],'
        ),
        fault("lr-too-high", "learning-rate-too-high", "default=1e-3", "default=1e-1"),
        fault(
            "zero-grad-missing",
            "gradients-not-cleared",
            "        value_optim.zero_grad()\n",
            "",
            "        critic_optim.zero_grad()\n",
            "",
            "        actor_optim.zero_grad()\n",
            "",
        ),
        # The critic is pulled to its target network, which stays as it was made.
        fault("polyak-backwards", "parameters-changed-elsewhere", "slow.lerp_(fast,", "fast.lerp_(slow,"),
        # Copied line: the value function is in no optimizer, the critic in two.
        fault(
            "value-optimizer-holds-critic",
            "parameters-not-in-optimizer parameters-held-twice",
            "value_optim = torch.optim.Adam(value.",
            "value_optim = torch.optim.Adam(critic.",
        ),
        fault(
            "activation-missing",
            "activation-missing",
            "nn.Linear(fan_in, fan_out), nn.ReLU(), ",
            "nn.Linear(fan_in, fan_out), ",
        ),
        # Torques of one sign only.
        fault("sigmoid-head", "targets-beyond-head", "torch.tanh(", "torch.sigmoid("),
        # Standard deviation 1 whatever the fan-in: the actor's tanh is saturated, the values start at hundreds.
        fault(
            "weights-standard-normal",
            "initialization-off-scale loss-at-start-too-high",
            "    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))",
            "    net = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))\n"
            "    for layer in net:\n"
            "        if isinstance(layer, nn.Linear):\n"
            "            nn.init.normal_(layer.weight)\n"
            "    return net",
        ),
    ),
    needs=(),
)

"""Faults of PPO on a vectorised two-link planar arm."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "ppo_planar_reacher",
    "tune",
    (
        # --- data and preprocessing
        # Cosines near 1, speeds in hundreds of degrees per second and millimetres go into the network as they are.
        fault(
            "observations-unnormalized",
            "inputs-not-normalized input-scales-differ",
            "        x = np.clip((x - self.mean) / np.sqrt(self.var + 1e-8), -clip, clip)\n",
            "",
        ),
        # The buffer gets the observation after the step, beside the action that was taken before it.
        fault(
            "next-observation-stored",
            "timestamps-misaligned observations-reused",
            "            obs_rms.update(next_obs)\n            discounted_return",
            "            obs_rms.update(next_obs)\n            obs[t] = obs_rms.normalize(next_obs)\n            discounted_return",
        ),
        # A copied name: the observation has the tip twice. In words: "the observation does not contain the target
        # (two of its dimensions are duplicates of others); the policy cannot know where to go".
        fault(
            "tip-observed-twice",
            "inputs-repeated",
            "for point in (self.tip(), self.target)",
            "for point in (self.tip(), self.tip())",
        ),
        # The reward stays in mm per step: values are in the thousands.
        fault(
            "reward-unscaled",
            "reward-scale targets-not-normalized",
            "torch.as_tensor(reward / np.sqrt(return_rms.var + 1e-8))",
            "torch.as_tensor(reward)",
        ),
        # --- loss and objective
        fault(
            "surrogate-without-its-minus",
            "policy-gradient-reversed loss-negated",
            "torch.max(-mb_advantages * ratio, -mb_advantages * clipped)",
            "torch.min(mb_advantages * ratio, mb_advantages * clipped)",
        ),
        # In words: "the log-probability is summed over the whole batch and not over the dimensions of an action only: the
        # ratio of new and old policy is not 1 before the first update; it is 0 or infinite".
        fault(
            "log-prob-summed-over-the-batch",
            "loss-broadcasts",
            "probs.log_prob(action).sum(1)",
            "probs.log_prob(action).sum()",
        ),
        fault("gae-mask-inverted", "values-without-future", "nonterminal = 1.0 - dones[t]", "nonterminal = dones[t]"),
        # --- optimization and loop
        fault(
            "learning-rate-of-a-tenth",
            "learning-rate-too-high",
            '"--learning-rate", type=float, default=1e-3',
            '"--learning-rate", type=float, default=1e-1',
        ),
        fault(
            "weight-decay-in-adam",
            "weight-decay-in-adam weight-decay-too-high",
            "lr=args.learning_rate, eps=1e-5",
            "lr=args.learning_rate, eps=1e-5, weight_decay=0.05",
        ),
        # The schedule is made for iterations and ends after two of them.
        fault(
            "scheduler-stepped-per-minibatch",
            "learning-rate-too-low",
            "optimizer.step()\n        scheduler.step()",
            "optimizer.step()\n                scheduler.step()",
        ),
        fault(
            "optimizer-has-the-critic-only",
            "parameters-not-in-optimizer",
            "optim.Adam(agent.parameters(), ",
            "optim.Adam(agent.critic.parameters(), ",
        ),
        # --- model
        fault(
            "tanh-missing",
            "activation-missing",
            "layers += [linear, nn.Tanh()]",
            "layers += [linear]",
            "nn.Sequential(*layers[:-1])",
            "nn.Sequential(*layers)",
        ),
        fault(
            "weights-from-a-unit-normal",
            "initialization-off-scale",
            "nn.init.orthogonal_(linear.weight, out_std if i == len(sizes) - 2 else np.sqrt(2))",
            "nn.init.normal_(linear.weight)",
        ),
        # In words: "the head of the policy ends in a ReLU: negative torques are out of its reach, and where it is 0 it
        # has no gradient".
        fault("relu-on-the-action-mean", "targets-beyond-head", "out_std=0.01)", "out_std=0.01).append(nn.ReLU())"),
    ),
    needs=(),
)

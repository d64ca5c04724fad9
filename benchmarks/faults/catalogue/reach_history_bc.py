"""Faults of the mobile manipulator that is cloned from two seconds of history."""

from harness import FamilyOfFaults, fault

_STEP = """            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
"""
_ADAMW = "torch.optim.AdamW(policy.parameters(), lr=args.lr, weight_decay=args.weight_decay)"

FAMILY = FamilyOfFaults(
    "reach_history_bc",
    "tune",
    (
        fault(
            "observation-buffer-reused",
            "observations-reused",
            "        self.base = np.zeros((n, 3))\n",
            "        self.base = np.zeros((n, 3))\n        self.reading = np.zeros((n, 9), dtype=np.float32)\n",
            "        return np.column_stack([joints, wheels, gripper, goal]).astype(np.float32)\n",
            "        self.reading[:] = np.column_stack([joints, wheels, gripper, goal])\n        return self.reading\n",
        ),
        fault(
            "same-seed-for-each-episode",
            "draws-repeated inputs-repeated",
            "    rng = np.random.default_rng(args.seed)\n    episodes = record_episodes(args.episodes, rng)\n",
            "    episodes = []\n    for _ in range(args.episodes):\n"
            "        episodes += record_episodes(1, np.random.default_rng(args.seed))\n",
        ),
        fault(
            "mirrored-without-commands",
            "augmentation-not-of-targets",
            "    train_history, train_action = stack_history(episodes[held_out:])\n",
            """    mirror = np.array([-1, 1, 1, 1, 1, 1, 1, -1, 1], dtype=np.float32)  # pan and goal to the other side
    swap = [0, 1, 2, 4, 3, 5, 6, 7, 8]  # left and right wheel
    episodes += [(observations[:, swap] * mirror, commands) for observations, commands in episodes[held_out:]]
    train_history, train_action = stack_history(episodes[held_out:])
""",
        ),
        fault(
            "targets-with-a-time-axis",
            "loss-broadcasts",
            "            targets.append(commands[t])\n",
            "            targets.append(commands[t : t + 1])\n",
        ),
        fault(
            "command-of-the-frame-among-inputs",
            "future-leaks",
            "    for observations, commands in episodes:\n",
            "    for observations, commands in episodes:\n"
            "        observations = np.concatenate([observations, commands], axis=1)  # what was commanded last\n",
            "    history, distances = [], []\n",
            "    history, distances = [], []\n    command = np.zeros((n, 6))\n",
            "torch.from_numpy(robot.observe())",
            "torch.from_numpy(np.column_stack([robot.observe(), command]).astype(np.float32))",
            "        robot.step(action_norm.inverse(action).double().numpy())\n",
            "        command = action_norm.inverse(action).double().numpy()\n        robot.step(command)\n",
        ),
        fault(
            "relative-error",
            "few-samples-dominate",
            "            loss = F.mse_loss(predicted, action_batch)\n",
            "            loss = ((predicted - action_batch) / (action_batch.abs() + 1e-6)).pow(2).mean()\n",
        ),
        fault(
            "l2-in-adam",
            "weight-decay-in-adam weight-decay-too-high",
            _ADAMW,
            "torch.optim.Adam(policy.parameters(), lr=args.lr, weight_decay=args.weight_decay)",
            '"--weight-decay", type=float, default=1e-4',
            '"--weight-decay", type=float, default=0.1',
        ),
        fault(
            "zero-grad-before-step",
            "gradients-thrown-away loss-detached",
            _STEP,
            """            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.zero_grad()
            optimizer.step()
""",
        ),
        fault(
            "relu-at-the-end",
            "targets-beyond-head",
            "            nn.Linear(hidden, action_dim),\n",
            "            nn.Linear(hidden, action_dim),\n            nn.ReLU(),\n",
        ),
        fault(
            "ema-for-long-training",
            "average-rate-wrong",
            '"--ema-decay", type=float, default=0.95',
            '"--ema-decay", type=float, default=0.9999',
        ),
        fault(
            "one-scale-for-all-channels",
            "input-scales-differ target-scales-differ",
            "values.mean(0)",
            "values.mean()",
            "values.std(0)",
            "values.std()",
        ),
        # A good diagnosis: the goal, which is given in the robot's own frame, stands still through each training episode
        # while the robot moves; in the rollout it comes nearer as the robot drives.
        fault(
            "goal-kept-from-first-frame",
            "",
            "        observation = np.stack([frame[i] for frame in observations])\n",
            "        observation = np.stack([frame[i] for frame in observations])\n"
            "        observation[:, 6:] = observation[0, 6:]  # one goal for each episode\n",
        ),
        # A good diagnosis: training stacks the history oldest first, the rollout newest first.
        fault(
            "rollout-history-newest-first",
            "",
            "history = (history or [frame] * (HISTORY - 1))[-(HISTORY - 1) :] + [frame]",
            "history = [frame] + (history or [frame] * (HISTORY - 1))[: HISTORY - 1]",
        ),
        fault(
            "rollout-not-normalized",
            "held-out-data-differ",
            "policy(obs_norm(torch.stack(history, dim=1)))",
            "policy(torch.stack(history, dim=1))",
        ),
    ),
)

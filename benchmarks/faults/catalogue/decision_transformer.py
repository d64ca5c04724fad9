"""Faults of a return-conditioned sequence policy (Decision Transformer) for a two-tank plant."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "decision_transformer",
    "tune",
    (
        fault(
            "states-not-normalized",
            "inputs-not-normalized input-scales-differ",
            '(episode["states"] - self.state_mean) / self.state_std',
            'episode["states"]',
            "(obs - store.state_mean) / store.state_std",
            "obs",
        ),
        # Left in volts and watts: the heater is all that the squared error sees.
        fault(
            "actions-in-volts-and-watts",
            "target-scales-differ targets-not-normalized inputs-not-normalized",
            "self.action_mean, self.action_std = actions.mean(axis=0), actions.std(axis=0) + 1e-6",
            "self.action_mean, self.action_std = np.zeros(2), np.ones(2)",
        ),
        # The observation that follows the action is stored beside it.
        fault(
            "next-state-logged-with-action",
            "timestamps-misaligned targets-late",
            '{"states": obs, "actions": action,',
            '{"states": next_obs, "actions": action,',
        ),
        # A good diagnosis: the return-to-go is the reward so far, not the reward still to come.
        fault(
            "return-to-go-summed-forwards",
            "",
            'np.cumsum(episode["rewards"][::-1])[::-1]',
            'np.cumsum(episode["rewards"])',
        ),
        # The token of the action itself is asked what the action is.
        fault("head-on-action-token", "future-leaks targets-not-shifted", "3, -1)[:, :, 1])", "3, -1)[:, :, 2])"),
        fault(
            "error-averaged-before-squaring",
            "errors-cancel",
            "F.mse_loss(predicted[valid], actions[valid])",
            "(predicted[valid] - actions[valid]).mean() ** 2",
        ),
        # The mask says what is valid, and is read as what is padding: only padding is learnt.
        fault(
            "loss-mask-inverted",
            "padding-not-masked",
            "F.mse_loss(predicted[valid], actions[valid])",
            "F.mse_loss(predicted[~valid], actions[~valid])",
        ),
        # A schedule in steps, stepped by the epoch.
        fault(
            "schedule-stepped-per-epoch",
            "learning-rate-too-low",
            "            scheduler.step()\n",
            "",
            '        print(f"epoch {epoch}:',
            '        scheduler.step()\n        print(f"epoch {epoch}:',
        ),
        fault(
            "zero-grad-after-backward",
            "gradients-thrown-away",
            "            optimizer.zero_grad()\n            loss.backward()\n",
            "            loss.backward()\n            optimizer.zero_grad()\n",
        ),
        fault(
            "learning-rate-0.1",
            "learning-rate-too-high",
            '"--lr", type=float, default=1e-3',
            '"--lr", type=float, default=1e-1',
        ),
        # Every batch is the first one.
        fault(
            "generator-seeded-in-loop",
            "draws-repeated data-left-out",
            "            rtg, states, actions, timesteps, valid = store.sample(64, generator)\n",
            "            generator = torch.Generator().manual_seed(args.seed)\n"
            "            rtg, states, actions, timesteps, valid = store.sample(64, generator)\n",
        ),
        fault(
            "tokens-not-interleaved", "dimensions-scrambled", "torch.stack(tokens, dim=2)", "torch.stack(tokens, dim=1)"
        ),
        fault("init-std-1", "initialization-off-scale", "std=0.05", "std=1.0"),
        fault(
            "blocks-in-plain-list",
            "parameters-not-in-optimizer",
            "nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))",
            "[Block(width, heads, dropout) for _ in range(depth)]",
        ),
    ),
)

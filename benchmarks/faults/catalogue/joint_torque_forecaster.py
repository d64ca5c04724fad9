"""Faults of a forecaster of joint torques from sensor histories (Hugging Face Trainer)."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "joint_torque_forecaster",
    "tune",
    (
        # The code for a lost frame, -999, is read as a measurement.
        fault("lost-frames-kept", "data-outliers", "channels = hold_last(raw)", "channels = raw"),
        # One mean and one deviation for counts, rpm, amperes, kelvin and volts together.
        fault(
            "statistics-over-all-channels",
            "input-scales-differ inputs-not-normalized",
            "seen.mean(axis=0), seen.std(axis=0)",
            "seen.mean(), seen.std()",
        ),
        fault(
            "histories-shuffled-without-labels",
            "targets-unrelated",
            "    held_out = TorqueWindows(",
            "    rng.shuffle(train.histories)\n    held_out = TorqueWindows(",
        ),
        # Left from a first test of the script.
        fault(
            "subset-left-on",
            "data-left-out",
            "train_dataset=train,",
            "train_dataset=torch.utils.data.Subset(train, range(64)),",
        ),
        fault("log-likelihood-minimized", "loss-negated", "loss = 0.5 * (", "loss = -0.5 * ("),
        # Only the variance still learns from the error.
        fault(
            "error-of-detached-mean",
            "parameters-without-gradient loss-detached loss-term-idle",
            'inputs["labels"] - mean',
            'inputs["labels"] - mean.detach()',
        ),
        # A good diagnosis: division by targets near zero; a relative error of standardized values.
        fault(
            "relative-error",
            "few-samples-dominate",
            'error = inputs["labels"] - mean',
            'error = (inputs["labels"] - mean) / (inputs["labels"].abs() + 1e-6)',
        ),
        fault("weight-decay-10", "weight-decay-too-high", "weight_decay=0.01", "weight_decay=10.0"),
        # A good diagnosis: Adam's betas are exchanged; a momentum of 0.999 over a few hundred steps.
        fault(
            "betas-exchanged",
            "betas-exchanged",
            "adam_beta1=0.9,",
            "adam_beta1=0.999,",
            "adam_beta2=0.99,",
            "adam_beta2=0.9,",
        ),
        # As for the fine-tuning of a pretrained encoder, which there is not.
        fault(
            "all-but-heads-frozen",
            "frozen-at-random",
            "    model = TorqueForecaster()\n",
            "    model = TorqueForecaster()\n"
            "    for name, param in model.named_parameters():\n"
            '        param.requires_grad_("head" in name)\n',
        ),
        fault("average-too-slow", "average-rate-wrong", "AverageWeights(decay=0.95)", "AverageWeights(decay=0.9999)"),
        fault(
            "relu-on-standardized-torques",
            "targets-beyond-head",
            "mean = self.mean_head(hidden).view",
            "mean = self.mean_head(hidden).relu().view",
        ),
        fault("dropout-0.9", "dropout-too-high", "dropout=0.1", "dropout=0.9"),
        fault(
            "weights-all-0.05",
            "units-alike",
            "    model = TorqueForecaster()\n",
            "    model = TorqueForecaster()\n"
            "    for name, param in model.named_parameters():\n"
            '        nn.init.constant_(param, 0.05 if "weight" in name else 0.0)\n',
        ),
    ),
    needs=("transformers", "accelerate"),
)

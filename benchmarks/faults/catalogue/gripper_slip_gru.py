"""Faults of slip classification and time-to-slip regression with a GRU over tactile recordings."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "gripper_slip_gru",
    "tune",
    (
        # Training data and preprocessing.
        # Newtons, pascals and milliamperes go into the network as they come.
        fault(
            "inputs-in-raw-units",
            "inputs-not-normalized input-scales-differ",
            "        frames = (frames - self.scaler.mean) / self.scaler.std\n",
            "",
        ),
        # Older advice for pack_padded_sequence is to sort by length; the labels stay as they were.
        fault(
            "frames-sorted-by-length-without-labels",
            "targets-unrelated",
            "    frames = [sample[0] for sample in samples]\n",
            "    frames = sorted((sample[0] for sample in samples), key=len, reverse=True)\n",
        ),
        fault(
            "no-shuffle",
            "data-in-order",
            "batch_size=args.batch_size, shuffle=True,",
            "batch_size=args.batch_size,",
        ),
        fault(
            "normalized-in-place",
            "reading-changes-data",
            "        frames = (frames - self.scaler.mean) / self.scaler.std\n",
            "        frames -= self.scaler.mean\n        frames /= self.scaler.std\n",
        ),
        # Loss.
        # Frequencies in place of their inverses.
        fault(
            "class-weights-are-frequencies",
            "class-weights-reversed",
            "torch.tensor(counts.sum() / (len(CLASSES) * counts), dtype=torch.float32)",
            "torch.tensor(len(CLASSES) * counts / counts.sum(), dtype=torch.float32)",
        ),
        # (B, 1) against (B,)
        fault(
            "time-head-not-squeezed",
            "loss-broadcasts",
            "self.time_head(features).squeeze(-1)",
            "self.time_head(features)",
            "time_ms = torch.cat([time for _, time in outputs]).numpy()",
            "time_ms = torch.cat([time for _, time in outputs]).flatten().numpy()",
        ),
        # The time of grasps that hold is a filler of 0 and counted as "slips now".
        fault(
            "time-loss-without-mask",
            "mask-unused",
            "    slipping = kinds != 0\n",
            "    slipping = torch.ones_like(kinds, dtype=torch.bool)\n",
        ),
        # Optimization and the loop.
        fault(
            "learning-rate-too-high",
            "learning-rate-too-high",
            "type=float, default=4e-3)",
            "type=float, default=0.4)",
        ),
        # A schedule counted in steps is advanced once an epoch: it stays in its warm-up.
        fault(
            "schedule-stepped-per-epoch",
            "learning-rate-too-low",
            "            schedule.step()\n            running += loss.item()\n",
            "            running += loss.item()\n        schedule.step()\n",
        ),
        # Adam takes the decay into its gradient.
        fault(
            "decay-inside-adam",
            "weight-decay-in-adam weight-decay-too-high",
            "torch.optim.AdamW(model.parameters()",
            "torch.optim.Adam(model.parameters()",
        ),
        # A leftover of fine-tuning: only the heads are given to the optimizer.
        fault(
            "only-heads-in-optimizer",
            "parameters-not-in-optimizer",
            "torch.optim.AdamW(model.parameters(), lr=args.lr,",
            "torch.optim.AdamW([*model.kind_head.parameters(), *model.time_head.parameters()], lr=args.lr,",
        ),
        # Model.
        # What follows the end of a short recording in its batch is zeros, and those are read.
        fault(
            "reads-last-padded-frame",
            "padding-not-masked",
            "        _, state = self.gru(packed)\n        features = self.trunk(state[-1])\n",
            "        states, _ = self.gru(packed)\n"
            "        states, _ = pad_packed_sequence(states, batch_first=True)\n"
            "        features = self.trunk(states[:, -1])\n",
            "import pack_padded_sequence, pad_sequence",
            "import pack_padded_sequence, pad_packed_sequence, pad_sequence",
        ),
        fault(
            "reshape-instead-of-transpose",
            "dimensions-scrambled",
            "self.smooth(frames.transpose(1, 2))",
            "self.smooth(frames.reshape(len(frames), -1, frames.shape[1]))",
        ),
        fault(
            "weights-from-standard-normal",
            "initialization-off-scale",
            "nn.init.orthogonal_(self.gru.weight_hh_l0)",
            "nn.init.normal_(self.gru.weight_hh_l0)",
            "nn.init.xavier_uniform_(self.gru.weight_ih_l0)",
            "nn.init.normal_(self.gru.weight_ih_l0)",
        ),
    ),
)

"""Faults of the GAN."""

from harness import FamilyOfFaults, fault

FAMILY = FamilyOfFaults(
    "gan",
    "tune",
    (
        fault(
            "generator-detached",
            "loss-detached parameters-without-gradient",
            "loss_g = criterion(D(fake), ones)",
            "loss_g = criterion(D(fake.detach()), ones)",
        ),
        fault("discriminator-not-cleared", "gradients-not-cleared", "            opt_d.zero_grad()\n", ""),
        fault("generator-not-cleared", "gradients-not-cleared", "            opt_g.zero_grad()\n", ""),
        fault(
            "sigmoid-twice",
            "sigmoid-applied-twice",
            "                                 nn.LeakyReLU(0.2), nn.Linear(hidden, 1))",
            "                                 nn.LeakyReLU(0.2), nn.Linear(hidden, 1), nn.Sigmoid())",
        ),
        fault(
            "wrong-parameters",
            "parameters-not-in-optimizer parameters-held-twice loss-detached",
            "Adam(G.parameters()",
            "Adam(D.parameters()",
        ),
        fault(
            "generator-frozen",
            "everything-frozen loss-detached",
            "    opt_g = ",
            "    G.requires_grad_(False)\n    opt_g = ",
        ),
        fault(
            "log-of-zero",
            "nan-or-inf",
            "loss_g = criterion(D(fake), ones)",
            "loss_g = torch.log(1 - torch.sigmoid(D(fake) * 1000 + 1000)).mean()",
        ),
        fault(
            "lr-x5000", "learning-rate-too-high", '"--lr", type=float, default=2e-4', '"--lr", type=float, default=1.0'
        ),
        fault(
            "lr-zero",
            "learning-rate-too-low",
            "opt_g = torch.optim.Adam(G.parameters(), lr=args.lr",
            "opt_g = torch.optim.Adam(G.parameters(), lr=0.0",
        ),
        fault(
            "labels-swapped",
            "adversaries-agree",
            "loss_g = criterion(D(fake), ones)",
            "loss_g = criterion(D(fake), zeros)",
        ),
    ),
)

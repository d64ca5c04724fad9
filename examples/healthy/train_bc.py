"""Behaviour cloning: squared error, or cross-entropy over percentile bins.

python examples/healthy/train_bc.py --loss mse
python examples/healthy/train_bc.py --loss bins --bins 256
"""

import argparse
from functools import partial

import torch
from robot_policies.checkpoint import save_checkpoint
from robot_policies.data import DemonstrationDataset
from robot_policies.losses import action_bins, behaviour_cloning_loss, binned_cross_entropy_loss
from robot_policies.metrics import MetricsLog
from robot_policies.optim import optimizer_step
from robot_policies.policies import BinnedPolicy, SmallPolicy
from robot_policies.precision import DTYPES, autocast, grad_scaler
from torch.utils.data import DataLoader


def parse_args():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", default="runs/demonstrations.npz")
    parser.add_argument("--checkpoint", default="runs/bc.pt")
    parser.add_argument("--log", default="runs/bc.csv", help="where the loss curve is written")
    parser.add_argument("--log-every", type=int, default=50, metavar="STEPS")
    parser.add_argument("--loss", choices=["mse", "bins"], default="mse")
    parser.add_argument("--bins", type=int, default=64, help="bins of each dimension, 1 to 256")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    parser.add_argument("--precision", choices=list(DTYPES), default="fp32")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    """Train and save the policy with the statistics that it needs at inference."""
    args = parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    dataset = DemonstrationDataset(args.demonstrations)
    loader = DataLoader(dataset, args.batch_size, shuffle=True)
    obs_dim, action_dim = dataset.observations.shape[1], dataset.actions.shape[1]
    extras = {
        "observation_statistics": dataset.observation_statistics.state_dict(),
        "action_statistics": dataset.action_statistics.state_dict(),
    }
    if args.loss == "bins":
        normalized_actions = dataset.action_statistics.normalize(dataset.actions)
        edges, extras["bin_centers"] = action_bins(normalized_actions, args.bins)
        policy = BinnedPolicy(obs_dim, action_dim, args.bins).to(device)
        loss_fn = partial(binned_cross_entropy_loss, edges=edges.to(device))
    else:
        policy = SmallPolicy(obs_dim, action_dim).to(device)
        loss_fn = behaviour_cloning_loss
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr)
    scaler = grad_scaler(args.precision, device)
    metrics = MetricsLog(args.log, args.log_every)

    step = 0
    for _ in range(args.epochs):
        for observation, action in loader:
            with autocast(args.precision, device):
                loss = loss_fn(policy, observation.to(device), action.to(device))
            grad_norm = optimizer_step(loss, optimizer, policy, scaler, args.max_grad_norm)
            metrics.log(step, loss=loss.item(), grad_norm=grad_norm)
            step += 1
    metrics.close()

    save_checkpoint(args.checkpoint, args.loss, policy, **extras)
    print(f"saved {args.checkpoint}")


if __name__ == "__main__":
    main()

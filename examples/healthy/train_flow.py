"""Flow matching: learn the velocity that carries noise to a demonstrated action.

python examples/healthy/train_flow.py
"""

import argparse

import torch
from robot_policies.checkpoint import save_checkpoint
from robot_policies.data import DemonstrationDataset
from robot_policies.losses import flow_matching_loss
from robot_policies.metrics import MetricsLog
from robot_policies.optim import optimizer_step
from robot_policies.policies import VelocityField
from robot_policies.precision import DTYPES, autocast, grad_scaler
from torch.utils.data import DataLoader


def parse_args():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", default="runs/demonstrations.npz")
    parser.add_argument("--checkpoint", default="runs/flow.pt")
    parser.add_argument("--log", default="runs/flow.csv", help="where the loss curve is written")
    parser.add_argument("--log-every", type=int, default=100, metavar="STEPS")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    parser.add_argument("--precision", choices=list(DTYPES), default="fp32")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    """Train and save the velocity field with the statistics that it needs at inference."""
    args = parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    dataset = DemonstrationDataset(args.demonstrations)
    loader = DataLoader(dataset, args.batch_size, shuffle=True)
    field = VelocityField(dataset.observations.shape[1], dataset.actions.shape[1]).to(device)
    optimizer = torch.optim.AdamW(field.parameters(), lr=args.lr)
    scaler = grad_scaler(args.precision, device)
    metrics = MetricsLog(args.log, args.log_every)

    step = 0
    for _ in range(args.epochs):
        for observation, action in loader:
            with autocast(args.precision, device):
                loss = flow_matching_loss(field, observation.to(device), action.to(device))
            grad_norm = optimizer_step(loss, optimizer, field, scaler, args.max_grad_norm)
            metrics.log(step, loss=loss.item(), grad_norm=grad_norm)
            step += 1
    metrics.close()

    save_checkpoint(
        args.checkpoint,
        "flow",
        field,
        observation_statistics=dataset.observation_statistics.state_dict(),
        action_statistics=dataset.action_statistics.state_dict(),
    )
    print(f"saved {args.checkpoint}")


if __name__ == "__main__":
    main()

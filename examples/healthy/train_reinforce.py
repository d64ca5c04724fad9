"""REINFORCE on the reaching arm, with a shaped or a sparse reward.

python examples/healthy/train_reinforce.py --reward shaped
python examples/healthy/train_reinforce.py --reward sparse
"""

import argparse

import torch
from robot_policies.checkpoint import save_checkpoint
from robot_policies.losses import discounted_returns, reinforce_loss
from robot_policies.metrics import MetricsLog
from robot_policies.normalization import RunningNormalizer, Statistics
from robot_policies.optim import optimizer_step
from robot_policies.policies import GaussianPolicy
from robot_policies.precision import grad_scaler
from robot_policies.reach_env import ACTION_DIM, MAX_GRIPPER_WIDTH, OBSERVATION_DIM, ReachEnv


def parse_args():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="runs/reinforce.pt")
    parser.add_argument("--log", default="runs/reinforce.csv", help="where the curve is written")
    parser.add_argument("--log-every", type=int, default=10, metavar="STEPS")
    parser.add_argument("--reward", choices=["shaped", "sparse"], default="shaped")
    parser.add_argument("--success-radius", type=float, default=150.0, help="mm, sparse reward")
    parser.add_argument("--updates", type=int, default=80)
    parser.add_argument("--episodes", type=int, default=128, help="episodes for each update")
    parser.add_argument("--horizon", type=int, default=40, help="steps in an episode")
    parser.add_argument("--gamma", type=float, default=0.97, help="discount of one step")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


@torch.no_grad()
def rollout(env, policy, normalizer, action_statistics, device):
    """Act until the episodes end.

    Returns normalized observations (steps, episodes, 9), normalized actions (steps, episodes, 4)
    and rewards (steps, episodes).
    """
    observations, actions, rewards = [], [], []
    observation, done = env.reset(), False
    while not done:
        raw = torch.from_numpy(observation).to(device)
        normalizer.update(raw)
        observations.append(normalizer(raw))
        actions.append(policy(observations[-1]).sample())
        command = action_statistics.denormalize(actions[-1])
        observation, reward, done = env.step(command.cpu().numpy())
        rewards.append(torch.as_tensor(reward, dtype=torch.float32, device=device))
    return torch.stack(observations), torch.stack(actions), torch.stack(rewards)


def main():
    """Train and save the policy with the normalizer that it needs at inference."""
    args = parse_args()
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    env = ReachEnv(args.episodes, args.horizon, args.reward, args.success_radius, args.seed)
    policy = GaussianPolicy(OBSERVATION_DIM, ACTION_DIM).to(device)
    normalizer = RunningNormalizer(OBSERVATION_DIM).to(device)
    # There are no demonstrations to measure; the limits of the arm give the scale of an action.
    half = MAX_GRIPPER_WIDTH / 2
    action_statistics = Statistics(
        mean=torch.tensor([0.0, 0.0, 0.0, half], device=device),
        std=torch.tensor([0.5, 0.75, 1.0, half], device=device),
    )
    optimizer = torch.optim.AdamW(policy.parameters(), lr=args.lr)
    scaler = grad_scaler("fp32", device)
    metrics = MetricsLog(args.log, args.log_every)

    for update in range(args.updates):
        observation, action, reward = rollout(env, policy, normalizer, action_statistics, device)
        returns = discounted_returns(reward, args.gamma)
        loss = reinforce_loss(policy, observation, action, returns)
        grad_norm = optimizer_step(loss, optimizer, policy, scaler, args.max_grad_norm)
        metrics.log(
            update,
            loss=loss.item(),
            grad_norm=grad_norm,
            episode_reward=reward.sum(dim=0).mean().item(),
            distance_mm=float(env.distance().mean()),
        )
    metrics.close()

    save_checkpoint(
        args.checkpoint,
        "reinforce",
        policy,
        normalizer=normalizer.state_dict(),
        action_statistics=action_statistics.state_dict(),
    )
    print(f"saved {args.checkpoint}")


if __name__ == "__main__":
    main()

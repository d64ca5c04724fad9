import gymnasium as gym
import torch
from train import Policy


@torch.no_grad()
def play(path):
    policy = Policy()
    policy.load_state_dict(torch.load(path)["policy"])
    env = gym.make("Reach-v0")
    observation, _ = env.reset()
    for _ in range(200):
        action = policy(torch.as_tensor(observation))  # CVG303
        observation, _, _, _, _ = env.step(action.numpy())


if __name__ == "__main__":
    play("policy.pt")

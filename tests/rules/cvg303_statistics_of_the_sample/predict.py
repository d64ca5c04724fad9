import numpy as np
import torch
from train import Policy


def predict(path):
    policy = Policy()
    policy.load_state_dict(torch.load("policy.pt")["policy"])
    policy.eval()
    observations = torch.from_numpy(np.load(path))
    mean, std = observations.mean(0), observations.std(0)
    with torch.no_grad():
        return policy((observations - mean) / std)  # CVG303


if __name__ == "__main__":
    print(predict("observations.npy"))

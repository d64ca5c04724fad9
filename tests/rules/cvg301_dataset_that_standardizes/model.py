from torch import nn


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(14, 256), nn.ReLU(), nn.Linear(256, 7))

    def loss(self, states, actions):
        return nn.functional.mse_loss(self.net(states), actions)

"""What all agents share."""

import torch


class Agent:
    def __init__(self, network, lr, bound):
        self.network = network
        self.bound = bound
        self.opt = torch.optim.Adam(network.parameters(), lr=lr)

    def descend(self, objective):
        self.opt.zero_grad()
        objective.backward()
        for parameter in self.network.parameters():
            parameter.grad.data.clamp_(-self.bound, self.bound)
        self.opt.step()

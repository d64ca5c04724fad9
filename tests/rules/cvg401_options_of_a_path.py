"""The bounds of a time come from a method that looks at options, whose defaults leave both ends in."""

import argparse
import enum

import torch


class Kind(enum.Enum):
    STRAIGHT = enum.auto()
    CURVED = enum.auto()


class Straight:
    def at(self, t, x0, x1):
        return t * x1 + (1 - t) * x0, x1 - x0


class Curved(Straight):
    pass


class Mover:
    def __init__(self, kind, margin):
        self.path = {Kind.STRAIGHT: Straight, Kind.CURVED: Curved}[kind]()
        self.margin = margin

    def bounds(self, margin, backward=False):
        first, last = 0, 1
        if type(self.path) in [Curved]:
            first, last = margin, 1 - margin
        if backward:
            first, last = last, first
        return first, last

    def draw(self, x1):
        first, last = self.bounds(self.margin)
        t = torch.rand(len(x1), 1) * (last - first) + first  # CVG401
        return t, torch.randn_like(x1)

    def loss(self, model, x1):
        t, x0 = self.draw(x1)
        x_t, u_t = self.path.at(t, x0, x1)
        return (model(x_t, t) - u_t).pow(2).mean()


def make_mover(name="straight", margin=None):
    kind = {"straight": Kind.STRAIGHT, "curved": Kind.CURVED}[name.lower()]
    if kind in [Kind.CURVED]:
        margin = 1e-3 if margin is None else margin
    return Mover(kind, margin)


def add_path_options(parser):
    group = parser.add_argument_group("path")
    group.add_argument("--path-name", default="Straight")


def main():
    parser = argparse.ArgumentParser()
    add_path_options(parser)
    args = parser.parse_args()
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    mover = make_mover(args.path_name)
    for x1 in torch.load("data.pt"):
        loss = mover.loss(model, x1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()

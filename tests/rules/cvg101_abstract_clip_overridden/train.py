"""Chooses a strategy."""

from strategies.ddp import DataParallel
from strategies.fsdp import Sharded


def main(args, model, optimizer, scheduler, loader, metrics):
    kind = Sharded if args.sharded else DataParallel
    kind(model, optimizer, scheduler, args.max_grad_norm).run(loader, metrics)

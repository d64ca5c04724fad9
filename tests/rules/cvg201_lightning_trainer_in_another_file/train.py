"""The Trainer checks."""

import lightning as L
from module import Regressor


def main(args, net, loaders):
    trainer = L.Trainer(max_epochs=args.epochs, detect_anomaly=args.debug)
    trainer.fit(Regressor(net), *loaders)

"""Tells the scaler to clip, by whatever the command line says."""

from utils.scaling import LossScaler


def train_one_epoch(model, criterion, loader, optimizer, loss_scaler, max_norm):
    for images, labels in loader:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss_scaler(loss, optimizer, clip_grad=max_norm, parameters=model.parameters())


def main(args, model, criterion, loader, optimizer):
    loss_scaler = LossScaler()
    for _ in range(args.epochs):
        train_one_epoch(model, criterion, loader, optimizer, loss_scaler, args.clip_grad)

"""Does not tell the scaler to clip."""

from utils.scaling import LossScaler


def pretrain_one_epoch(model, loader, optimizer, loss_scaler, accumulate):
    optimizer.zero_grad()
    for i, images in enumerate(loader):
        loss = model(images) / accumulate
        loss_scaler(loss, optimizer, parameters=model.parameters(), update_grad=(i + 1) % accumulate == 0)  # CVG101
        if (i + 1) % accumulate == 0:
            optimizer.zero_grad()


def main(model, loader, optimizer):
    loss_scaler = LossScaler()
    for _ in range(100):
        pretrain_one_epoch(model, loader, optimizer, loss_scaler, accumulate=4)

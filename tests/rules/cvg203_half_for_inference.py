"""float16 for export, for evaluation, of data, of a frozen teacher: the training is in float32."""

import copy

import torch


@torch.no_grad()
def evaluate(model, loader):
    with torch.cuda.amp.autocast():
        return [model(x.cuda()).argmax(dim=1) for x, _ in loader]


def export(model, path):
    torch.save(copy.deepcopy(model).half().state_dict(), path)


def train(model, teacher, loader, val_loader, optimizer):
    teacher = teacher.half().eval()
    for x, y in loader:
        x = x.half().float()
        with torch.no_grad(), torch.autocast("cuda", dtype=torch.float16):
            soft = teacher(x.half()).float()
        optimizer.zero_grad()
        prediction = model(x)
        loss = torch.nn.functional.cross_entropy(prediction, y) + (prediction - soft).pow(2).mean()
        loss.backward()
        optimizer.step()
    evaluate(model, val_loader)
    export(model, "model_fp16.pt")

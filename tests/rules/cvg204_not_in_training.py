"""Constant float16 in inference, constant bfloat16 in training: nothing to switch."""

import torch


@torch.inference_mode()
def generate(model, prompt):
    with torch.autocast("cuda", dtype=torch.float16):
        return model(prompt)


def train(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    generate(model, x)
    torch.save(model.half().state_dict(), "half.pt")

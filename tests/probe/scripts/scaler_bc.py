"""Image classification under fp16 autocast with a gradient scaler, own batching."""

import torch
from torch import nn
from torch.nn import functional

if __name__ == "__main__":
    torch.manual_seed(0)
    images, labels = torch.rand(256, 1, 12, 12) * 2 - 1, torch.randint(0, 5, (256,))
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 5),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scaler = torch.amp.GradScaler("cpu")
    for step in range(100):
        index = torch.randint(0, len(images), (32,))
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            loss = functional.cross_entropy(model(images[index]), labels[index])
        if not torch.isfinite(loss):
            raise FloatingPointError(f"loss {loss.item()} at step {step}")
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

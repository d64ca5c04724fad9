"""Inference and plotting: words of training, no training."""

import torch


@torch.no_grad()
def predict(model, loader, device):
    model.eval()
    return torch.cat([model(batch.to(device)).softmax(dim=1) for batch in loader])


def step_response(env, controller, steps):
    observation = env.reset()
    for _ in range(steps):
        observation, *_ = env.step(controller(observation))
    return observation


def saliency(model, image):
    image = image.clone().requires_grad_()
    model(image).max().backward()
    return image.grad.abs()

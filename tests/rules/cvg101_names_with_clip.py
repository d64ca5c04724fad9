"""Names with clip in them that clip no gradient."""

import torch


def clip_loss(image_features, text_features, scale):
    logits = scale * image_features @ text_features.T
    labels = torch.arange(len(logits), device=logits.device)
    both = torch.nn.functional.cross_entropy(logits, labels), torch.nn.functional.cross_entropy(logits.T, labels)
    return sum(both) / 2


def train_clip(clip_model, loader, optimizer):
    for clip, caption in loader:
        optimizer.zero_grad()
        image, text, scale = clip_model(clip, caption)
        loss = clip_loss(image, text, scale)
        loss = loss.clamp(max=20.0)
        loss.backward()
        optimizer.step()  # CVG101
        with torch.no_grad():
            clip_model.logit_scale.clamp_(0, 4.6052)

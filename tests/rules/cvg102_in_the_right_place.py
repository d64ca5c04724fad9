"""Between backward and step, in the spellings that look like another order."""

import torch
from torch.nn.utils import clip_grad_norm_


def zeroed_at_the_end(model, loader, optimizer, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def logged_again_after_the_step(model, loader, optimizer, criterion, log):
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        log(clip_grad_norm_(model.parameters(), 1.0))


def accumulated(model, loader, optimizer, criterion, every):
    for i, (x, y) in enumerate(loader):
        (criterion(model(x), y) / every).backward()
        if i % every == every - 1:
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()


def two_updates_in_a_round(actor, critic, actor_opt, critic_opt, batches):
    for batch in batches:
        critic_opt.zero_grad()
        critic(batch).pow(2).mean().backward()
        clip_grad_norm_(critic.parameters(), 1.0)
        critic_opt.step()
        actor_opt.zero_grad()
        (-critic(actor(batch)).mean()).backward()
        clip_grad_norm_(actor.parameters(), 1.0)
        actor_opt.step()

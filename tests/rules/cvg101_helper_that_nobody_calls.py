"""The project never calls it, so it is judged as it stands."""


def gradient_step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # CVG101
    return loss.detach()

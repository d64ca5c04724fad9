"""Its loss goes through the helper that raises."""

from checks import require_finite


def train_flow(flow, loader, optimizer):
    for step, batch in enumerate(loader):
        loss = -flow.log_prob(batch).mean()
        require_finite(loss, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

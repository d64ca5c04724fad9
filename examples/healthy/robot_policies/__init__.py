"""Small robot policies and how to train them: data, losses, optimizer step, checkpoint."""

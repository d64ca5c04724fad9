"""accelerate clips when it is asked to."""

from accelerate import Accelerator


def train_bare(model, optimizer, loader):
    accelerator = Accelerator()
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for batch in loader:
        optimizer.zero_grad()
        loss = model(**batch).loss
        accelerator.backward(loss)
        optimizer.step()  # CVG101


def train_clipped(args, model, optimizer, loader, scheduler):
    accelerator = Accelerator(gradient_accumulation_steps=args.accumulate)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for batch in loader:
        with accelerator.accumulate(model):
            loss = model(**batch).loss
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), args.max_grad_norm)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()


class Trainer:
    """The same, kept in an attribute with a name of its own."""

    def __init__(self, model, optimizer):
        self.accelerate = Accelerator()
        self.model, self.optimizer = self.accelerate.prepare(model, optimizer)

    def step(self, batch):
        loss = self.model(batch)
        self.accelerate.backward(loss)
        self.accelerate.clip_grad_value_(self.model.parameters(), 0.5)
        self.optimizer.step()
        self.optimizer.zero_grad()

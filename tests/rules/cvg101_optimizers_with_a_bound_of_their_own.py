"""Arguments that make an optimizer clip, and optimizers that only normalize their update."""

from bitsandbytes.optim import LAMB
from muon import Muon
from transformers.optimization import Adafactor


def with_adafactor(model, loader):
    optimizer = Adafactor(model.parameters(), scale_parameter=False, relative_step=False, lr=1e-3)
    for batch in loader:
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()


def with_lamb(model, loader):
    optimizer = LAMB(model.parameters(), lr=1e-3, max_grad_norm=1.0)
    for batch in loader:
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()


def with_muon(model, loader):
    optimizer = Muon(model.parameters(), lr=0.02, momentum=0.95)
    for batch in loader:
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()  # CVG101

# Needs Python 3.10 or newer and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: demo test lint bench mutation docs clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@

demo: $(READY)  ## the broken examples with evidence, the healthy ones, then the same by flake8
	@echo '$$ convdiag-lint check examples/broken --verbose'
	@$(BIN)/convdiag-lint check examples/broken --verbose --statistics --exit-zero
	@echo; echo '$$ convdiag-lint check examples/healthy'
	@$(BIN)/convdiag-lint check examples/healthy
	@echo; echo '$$ flake8 --select CVG examples'
	@$(BIN)/flake8 --isolated --select CVG --exit-zero examples

test: $(READY)  ## all tests
	$(BIN)/python -m pytest -q

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)  ## write docs/rules and the table of the README from the rules
	$(BIN)/python docs/generate.py

bench: $(READY)  ## CPU seconds on a public code base; PEERS=--peers adds other linters
	$(BIN)/python benchmarks/speed.py $(PEERS)

mutation: $(READY)  ## removes clips, checks, clamps ... from healthy code: is each found? FOLDERS=... adds trees
	$(BIN)/python benchmarks/mutation.py --show $(FOLDERS)

clean:  ## remove what make made
	rm -rf $(VENV)

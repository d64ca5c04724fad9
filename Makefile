# Needs Python 3.10 or newer and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
DEMO := build/demo
EXAMPLES := $(CURDIR)/examples
# The probe starts `python`: the one of the environment. Networks this small run best on one thread.
PROBED := PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1

.PHONY: demo test test-all lint bench mutation docs clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev,probe]' -c constraints.txt
	touch $@

demo: $(READY)  ## lint the examples, by command and by flake8; probe a healthy and a broken one
	@echo '$$ convdiag-lint check examples/broken --verbose'
	@$(BIN)/convdiag-lint check examples/broken --verbose --statistics --exit-zero
	@echo; echo '$$ convdiag-lint check examples/healthy'
	@$(BIN)/convdiag-lint check examples/healthy
	@echo; echo '$$ flake8 --select CVG examples'
	@$(BIN)/flake8 --isolated --select CVG --exit-zero examples
	@mkdir -p $(DEMO) && cd $(DEMO) && $(PROBED) python $(EXAMPLES)/healthy/generate_demonstrations.py > demonstrations.txt
	@echo; echo '$$ convdiag-probe train_bc.py    (healthy)'
	@cd $(DEMO) && $(PROBED) convdiag-probe $(EXAMPLES)/healthy/standalone/behaviour_cloning/train_bc.py
	@echo; echo '$$ convdiag-probe train_bins.py  (gradients are clipped before they are unscaled)'
	@cd $(DEMO) && $(PROBED) convdiag-probe $(EXAMPLES)/broken/cvg102_misplaced_clipping/train_bins.py; test $$? -eq 1

test: $(READY)  ## all tests but those of other people's frameworks
	$(BIN)/python -m pytest -q -n auto

test-all: $(READY)  ## also with Lightning, transformers and accelerate
	$(BIN)/python -m pip install -qq --disable-pip-version-check lightning transformers accelerate tensorboard gymnasium -c constraints.txt
	$(BIN)/python -m pytest -q -n auto

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

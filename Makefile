# Every target works in ./.venv, which is made on first need.
PYTHON ?= python3
EXAMPLE ?= flask-blueprint-name
BIN := .venv/bin
READY := .venv/.ready

.PHONY: solve test lint bench

# Solve one of the examples in a sandbox; choose with EXAMPLE=NAME.
solve: $(READY)
	@scripts/prepare.sh solve
	$(BIN)/cwm-agent solve example:$(EXAMPLE)

# All tests that need neither a GPU nor a checkpoint.
test: $(READY)
	@scripts/prepare.sh test
	@scripts/test.sh

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)
	@scripts/prepare.sh solve
	$(BIN)/cwm-agent bench shell

$(READY): pyproject.toml constraints.txt
	@scripts/prepare.sh environment $(PYTHON)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Every target works in ./.venv, which is made on first need.
PYTHON ?= python3
TASK ?= nano:7
BIN := .venv/bin
READY := .venv/.ready

.PHONY: solve test lint bench

# Let the bundled model solve a generated task; TASK=nano:SEED, or TASK=example:NAME for a recording.
solve: $(READY)
	@scripts/prepare.sh solve
	$(BIN)/cwm-agent solve $(TASK)

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

# Check and measure on the GPU of this machine; installs nothing (docs/gpu.md). CHECK passes options.
.PHONY: gpu-check
gpu-check:
	$(PYTHON) -m cwm_agent.gpucheck $(CHECK)

$(READY): pyproject.toml constraints.txt
	@scripts/prepare.sh environment $(PYTHON)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Every target works in ./.venv, which is made on first need.
PYTHON ?= python3
TASK ?= nano:7
BIN := .venv/bin
READY := .venv/.ready
DEV := .venv/.dev

# Modules are compiled when they are first imported: most never are.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	--constraint constraints.txt --editable

.NOTPARALLEL:
.PHONY: solve test test-all lint bench

# Let the bundled model solve a generated task; TASK=nano:SEED, or TASK=example:NAME for a recording.
solve: $(READY)
	@scripts/prepare.sh solve
	$(BIN)/cwm-agent solve $(TASK)

# The tests that need neither a GPU nor a checkpoint, without the slow ones.
test: $(DEV)
	@scripts/prepare.sh test
	@scripts/clients.sh
	@scripts/test.sh

# The slow ones too. docs/tests.md lists them.
test-all: $(DEV)
	@scripts/prepare.sh test
	@scripts/clients.sh all
	@scripts/test.sh slow

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)
	@scripts/prepare.sh solve
	$(BIN)/cwm-agent bench shell

# The picture of docs/viewer.md, from a real run.
.PHONY: screenshots
screenshots: $(READY)
	@scripts/screenshots.sh

# Check and measure on the GPU of this machine; installs nothing (docs/gpu.md). CHECK passes options.
.PHONY: gpu-check
gpu-check:
	$(PYTHON) -m cwm_agent.bench.gpu $(CHECK)

# What the program needs. Where the tests' environment is there, nothing is left to install.
$(READY): pyproject.toml constraints.txt
	@scripts/prepare.sh environment $(PYTHON)
	$(PYTHON) -m venv .venv
	$(INSTALL) .
	@touch $@

# That, and what the tests and the linters need besides.
$(DEV): pyproject.toml constraints.txt
	@scripts/prepare.sh environment $(PYTHON)
	$(PYTHON) -m venv .venv
	$(INSTALL) '.[dev]'
	@touch $(READY) $@

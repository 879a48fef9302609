# make demo: everything from nothing to a GIF.   make test: set up what it needs and run all checks.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check lint format bench pictures clean

demo: .venv/.ready
	$(BIN)/flowgif train --img imgs/cat.png --out runs/demo --force
	$(BIN)/flowgif animate runs/demo
	$(BIN)/flowgif eval runs/demo

test: .venv/.ready-dev lint
	$(BIN)/python -m pytest

lint: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: .venv/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.ready
	$(BIN)/python benchmarks/figures.py

pictures: .venv/.ready
	$(BIN)/python imgs/draw.py

clean:
	rm -rf .venv build *.egg-info

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "flowgif needs Python 3.11 or newer; say which with: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	@touch $@

.venv/.ready-dev: .venv/.ready
	$(PIP) -e '.[dev]'
	@touch $@

# make demo: everything from nothing to a GIF.   make test: set up what it needs and run all checks.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(INSTALL_FLAGS)

.PHONY: demo test tests test-all lint format bench bench-quick bench-report experiments gallery lesson json pictures clean

demo: .venv/.ready
	$(BIN)/flowgif train --img imgs/cat.png --out runs/demo --force
	$(BIN)/flowgif animate runs/demo
	$(BIN)/flowgif eval runs/demo

test: .venv/.ready-dev
	@$(MAKE) --no-print-directory -j 2 lint tests

# Two processes of one thread each share the tests better than one of two threads.
tests: .venv/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal

# What `make test` leaves out: long trainings, fine comparisons, every output's bytes.
test-all: .venv/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n 2 --dist worksteal

lint: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: .venv/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Measures everything, then makes the tables and the plot of the documents anew: about two hours on two cores.
# With OPTIONS="--only commands" one part; with OPTIONS=--continue what an interrupted call left.
bench: .venv/.ready-bench
	$(BIN)/python benchmarks/bench.py $(OPTIONS)
	$(BIN)/python benchmarks/report.py

# Every part with tiny sizes, to see that it runs.
bench-quick: .venv/.ready-bench
	$(BIN)/python benchmarks/bench.py --quick

bench-report: .venv/.ready-dev
	$(BIN)/python benchmarks/report.py

# The README's GIFs, each by the commands that stand beside it there.
gallery: .venv/.ready
	$(BIN)/python docs/make_gallery.py

# The outputs of docs/lesson.ipynb.
lesson: .venv/.ready
	$(BIN)/python docs/make_lesson.py

# The tables of docs/json.md and the files of docs/schema.
json: .venv/.ready
	$(BIN)/python docs/make_json.py

# Every config to its end, with the table and the pictures of docs/experiments.md.
experiments: .venv/.ready
	$(BIN)/python benchmarks/bench.py --only experiments $(OPTIONS)
	$(BIN)/python benchmarks/report.py

pictures: .venv/.ready
	$(BIN)/python imgs/draw.py

clean:
	rm -rf .venv build *.egg-info

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "flowgif needs Python 3.11 or newer; say which with: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) --config-settings editable_mode=compat -e .
	@touch $@

.venv/.ready-dev: .venv/.ready
	$(PIP) --config-settings editable_mode=compat -e '.[dev]'
	@touch $@

.venv/.ready-bench: .venv/.ready-dev
	$(PIP) --config-settings editable_mode=compat -e '.[bench]'
	$(PIP) --no-deps torchcfm
	@touch $@

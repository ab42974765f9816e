# Each target makes .venv if it is absent: nothing but Python 3.11 or later and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Without bytecode, which some containers switch off, each of thousands of commands would compile imtools anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test coverage lint bench man clean

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/quickstart.sh demo-out

# One worker for each processor that may be used; ARGS="-m 'not slow'" leaves out what takes long, ARGS="-n 0 ..."
# runs without workers, for a single test.
test: $(READY)
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

# Half as long again: not for every change.
coverage: $(READY)
	$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under=90 $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python man/make.py --check

bench: $(READY)
	$(BIN)/python -m benchmarks

man: $(READY)
	$(BIN)/python man/make.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "imtools needs Python 3.11 or later: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo-out build dist .mypy_cache .pytest_cache .ruff_cache

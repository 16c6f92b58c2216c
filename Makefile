# Two commands: `make tune` shows a comparison, `make test` runs the suite. Both start from nothing but Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
EXTRAS ?= test
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: tune test test-backends lint clean

tune: .venv/installed
	$(BIN)/workbench tune digits --budget 2m

# Two processes with one thread each: two of two threads wait for each other's, and take twice as long.
test: .venv/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-backends: .venv/installed-backends
	KERAS_BACKEND=jax $(BIN)/python -m pytest tests/plugins/test_networks.py
	KERAS_BACKEND=torch $(BIN)/python -m pytest tests/plugins/test_networks.py

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed; choose one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing (TensorFlow and XGBoost are large; this takes some minutes the first time) ..."
	$(PIP) --editable .
	@touch $@

.venv/installed-test: .venv/installed
	$(PIP) --editable '.[$(EXTRAS)]'
	@touch $@

.venv/installed-backends: .venv/installed-test
	$(PIP) --editable '.[jax,torch]'
	@touch $@

clean:
	rm -rf .venv workbench-runs

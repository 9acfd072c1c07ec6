# Everything a developer types. The first target sets up .venv; the others use it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFIG ?= config/lab.toml
TESTS ?= tests
MINUTES ?= 10
READY := $(VENV)/.installed
DEV_READY := $(VENV)/.installed-dev

.PHONY: help run test test-docker test-examples check lint test-coverage bench soak clean lock

help:
	@echo "make run    start the two-node lab cluster ($(CONFIG)); Ctrl-C stops it"
	@echo "make test   run the tests, or some of them: make test TESTS=tests/phone"
	@echo "make test-docker   run the tests that start containers"
	@echo "make test-examples  run other people's firmware tests (examples/) in an environment of their own"
	@echo "make check  lint, types, layers, tests with coverage"
	@echo "make lint, make test-coverage   the two halves of make check"
	@echo "make bench  measure against other servers (see bench/README.md)"
	@echo "make soak   ten minutes of faults under phones at work (see bench/README.md): make soak MINUTES=1"
	@echo "make lock   renew the lock files after a change of dependencies"
	@echo "make clean  remove what these made"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cucmsim needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V). Say which one: make PYTHON=python3.13"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 2; }

$(READY): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing cucmsim into $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_READY): requirements-dev.lock $(READY)
	@echo "Installing the tools for tests and checks into $(VENV) (once) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

run: $(READY)
	@$(BIN)/cucmsim run $(CONFIG)

test: $(DEV_READY)
	@$(BIN)/python -m pytest -q -n auto $(TESTS)

test-docker: $(DEV_READY)
	@CUCMSIM_TEST_DOCKER=1 $(BIN)/python -m pytest -q -m docker --durations=5 tests/docker

test-examples: $(READY)
	@examples/run-clean $(BIN)/python

check: lint
	@$(MAKE) --no-print-directory test-coverage

lint: $(DEV_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-coverage: $(DEV_READY)
	$(BIN)/python -m pytest -q -n auto -m 'not docker and not soak' --cov --cov-report=
	$(BIN)/python -m coverage report --skip-covered --fail-under=90
	$(BIN)/python -m coverage report --fail-under=100 --include='cucmsim/formats/*,cucmsim/pki/*,cucmsim/protocols/*'

bench: $(DEV_READY)
	@$(BIN)/python bench/tftp.py

soak: $(DEV_READY)
	@$(BIN)/python bench/soak.py --minutes $(MINUTES)

lock: $(DEV_READY)
	$(BIN)/uv pip compile -q --universal --no-strip-extras --generate-hashes --no-header --python-version 3.11 --extra build -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile -q --universal --no-strip-extras --generate-hashes --no-header --python-version 3.11 --extra build --extra dev -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) data build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* bench/bin bench/results
	find certs -mindepth 1 ! -name README.md -delete

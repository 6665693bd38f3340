# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test lint bench schemas requirements clean

# A stamp per set of packages: made again when what it is made from changes.
$(VENV)/.installed: requirements/run.txt requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("wrapctl needs Python 3.11 or newer: make PYTHON=python3.12 …") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# The vendor's own SDK and the contract validators: large, and needed only where the contracts are.
$(VENV)/.contracts: $(VENV)/.installed requirements/contracts.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/contracts.txt
	touch $@

demo: $(VENV)/.installed
	$(BIN)/wrapctl demo

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py

contracts: $(VENV)/.contracts

schemas: $(VENV)/.installed
	$(BIN)/wrapctl schema

# Needs pip-tools. Hashes come from the package index in use; its address stays out of the files.
requirements:
	for name in run dev contracts; do \
	  pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header \
	    --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

clean:
	rm -rf $(VENV) .wrapctl .mypy_cache .ruff_cache .pytest_cache .hypothesis

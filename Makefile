# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# The linter of GitHub workflows is a Go program; the module proxy's checksum database is its hash.
ACTIONLINT := v1.7.12

.PHONY: demo test lint workflows hooks bench contracts schemas requirements pin clean

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

$(VENV)/.workflows: $(VENV)/.installed requirements/workflows.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/workflows.txt
	touch $@

$(VENV)/.actionlint-$(ACTIONLINT): $(VENV)/.installed
	@if command -v go >/dev/null; then \
	  GOBIN="$(abspath $(BIN))" go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT); \
	elif command -v actionlint >/dev/null; then \
	  echo "no Go here: taking $$(command -v actionlint), whatever its version" >&2; \
	  ln -sf "$$(command -v actionlint)" $(BIN)/actionlint; \
	else \
	  echo "make workflows needs actionlint: install Go (it is built from source, $(ACTIONLINT)), or put actionlint on the PATH" >&2; exit 1; \
	fi
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/wrapctl demo

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Four opinions on what other projects copy from here; none of them asks the network.
workflows: $(VENV)/.workflows $(VENV)/.actionlint-$(ACTIONLINT)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/actionlint -color=false
	$(BIN)/zizmor --offline --strict-collection --persona=auditor --quiet --no-progress .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/pre-commit validate-manifest .pre-commit-hooks.yaml

# The hooks as another project runs them: installed by pre-commit from the last commit, so it asks the package index.
hooks: $(VENV)/.workflows
	$(BIN)/pre-commit try-repo . wrapctl-validate --all-files
	$(BIN)/pre-commit try-repo . wrapctl-schema --all-files

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py

contracts: $(VENV)/.contracts

schemas: $(VENV)/.installed
	$(BIN)/wrapctl schema

# Needs pip-tools. Hashes come from the package index in use; its address stays out of the files.
requirements:
	for name in run dev build contracts workflows; do \
	  pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header \
	    --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

# The commit of the action in the workflows and in docs/: what `uses: …/wrapctl@` installs. Commit the result.
pin:
	sed -i.bak -E "s|(/wrapctl@)[0-9a-f]{40}|\1$$(git rev-parse HEAD)|" .github/workflows/*.yml docs/*.md
	rm -f .github/workflows/*.bak docs/*.bak

clean:
	rm -rf $(VENV) .wrapctl .mypy_cache .ruff_cache .pytest_cache .hypothesis

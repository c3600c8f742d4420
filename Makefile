# dxmetrics: `make up` to see it, `make test` to trust it. Needs Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --python $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help up test test-real check format lock docs bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

up: $(VENV)/base ## collect, build, check, publish and open the dashboard; ARGS="https://host/org/repo.git" for yours
	@$(BIN)/dxmetrics up $(ARGS)

test: $(VENV)/dev ## run every test that needs no real server
	@$(BIN)/pytest -n auto -m "not real" $(ARGS)

test-real: $(VENV)/dev ## run the tests that need a real server or a browser (see .ci/packages)
	@$(BIN)/pytest -m real $(ARGS)

check: $(VENV)/dev ## lint, types, layers, SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/sqlfluff lint --nocolor --disable-progress-bar sql

format: $(VENV)/dev ## format Python and SQL
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix --nocolor --disable-progress-bar sql

docs: $(VENV)/dev ## write the reference pages and dx.example.toml from the code
	@$(BIN)/python -m dxmetrics.reference
	@$(BIN)/dxmetrics init --example > dx.example.toml

bench: $(VENV)/dev ## measure, beside the goals
	@$(BIN)/python -m benchmarks $(ARGS)

lock: $(UV) ## pin every dependency, with hashes, for every platform
	@$(UV) pip compile pyproject.toml --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
	    --custom-compile-command "make lock" -o requirements/base.txt
	@$(UV) pip compile pyproject.toml --group dev --constraint requirements/base.txt --quiet --upgrade --universal --generate-hashes \
	    --python-version 3.11 --custom-compile-command "make lock" -o requirements/dev.txt
	@$(UV) pip compile requirements/build.in --constraint requirements/dev.txt --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
	    --custom-compile-command "make lock" -o requirements/build.txt

clean: ## remove the environment; data/ stays
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "dxmetrics needs Python >= 3.11; $(PYTHON) is older: make up PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.7"

# The build backend comes from the lock too, so the project installs without fetching anything unpinned.
$(VENV)/base: $(UV) requirements/base.txt requirements/build.txt pyproject.toml
	@echo "installing dxmetrics into $(VENV)"
	@$(INSTALL) --require-hashes -r requirements/base.txt -r requirements/build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/base requirements/dev.txt
	@echo "installing what tests and checks need"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# Both commands work from a fresh clone with nothing but Python 3.11 or newer, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

.PHONY: help test quick lint clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/tests.stamp: requirements/test.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])'
	@echo "Making the environment (about a minute the first time) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lint: $(VENV)/tests.stamp ## Style, types and floors
	$(BIN)/ruff check companion tests migrations
	$(BIN)/ruff format --check companion tests migrations
	$(BIN)/mypy
	$(BIN)/lint-imports

quick: lint ## Lint, types, floors and the tests without browsers
	$(BIN)/python -m pytest -m "not browser and not long"

test: quick ## Everything that must hold before a change is taken in

clean: ## Remove the environment
	rm -rf $(VENV)

# Both commands work from a fresh clone with nothing but Python 3.11 or newer, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

.PHONY: help run test quick long faults lint words assets browsers webkit bench pictures clean

define environment
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])' && \
echo "Setting up the environment (about a minute the first time) …" && \
$(PYTHON) -m venv $(VENV) && \
$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar on --require-hashes -r $(1) && \
$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(VENV)/run.stamp ## Set up what is missing and run the product with a demonstration clinic
	@$(BIN)/companion serve --demonstration

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@$(call environment,requirements/run.txt)
	@touch $@

$(VENV)/tests.stamp: requirements/test.txt pyproject.toml
	@$(call environment,requirements/test.txt)
	@touch $@ $(VENV)/run.stamp

assets: ## Build static/dist from static/src (needs Node)
	cd static && npm ci --no-audit --no-fund && npm run build

words: $(VENV)/tests.stamp ## Bring the catalogues up to date with the texts, and compile them
	$(BIN)/python -m tests.catalogues

lint: $(VENV)/tests.stamp ## Style, types and floors
	$(BIN)/ruff check companion tests migrations wsgi.py
	$(BIN)/ruff format --check companion tests migrations wsgi.py
	$(BIN)/mypy
	$(BIN)/lint-imports

quick: lint ## Lint, types, floors and the tests without browsers and slow ones
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not browser and not slow and not long"

test: quick browsers ## Everything that must hold before a change is taken in
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "slow and not browser and not long"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "browser and not long"

long: faults webkit ## What takes long: kill runs on both databases, and tests that wait for real time
	$(BIN)/python -m pytest -rs -m "long"

faults: $(VENV)/tests.stamp ## Kill web and worker 500 times on each database; one line each says what was lost
	$(BIN)/python -m tests.faults

browsers: ## Install Chromium and Firefox where they are missing (Debian, as root)
	@{ command -v chromium && command -v firefox-esr; } >/dev/null || { \
	  echo "Installing Chromium and Firefox …"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends \
	    chromium firefox-esr fonts-liberation fonts-noto-color-emoji >/dev/null; }
	@# The markup checker runs where Node and Java are; its test says that it was left out elsewhere.
	@if command -v npm >/dev/null && command -v java >/dev/null && [ ! -d tests/browser/node_modules ]; then \
	  cd tests/browser && npm ci --no-audit --no-fund --silent; fi

webkit: ## Install WebKitGTK and a display for it where apt has them (as root); without them its tests are skipped
	@{ command -v WebKitWebDriver && command -v Xvfb; } >/dev/null || { \
	  echo "Installing WebKitGTK …"; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
	    webkit2gtk-driver xvfb fonts-liberation >/dev/null; } || \
	  echo "WebKitGTK cannot be installed here: its tests are skipped and say so"; }

bench: $(VENV)/tests.stamp browsers ## Figures of this machine (needs Node for Lighthouse)
	$(BIN)/python -m tests.bench.triage
	$(BIN)/python -m tests.bench.delivery
	$(BIN)/python -m tests.bench.replay
	$(BIN)/python -m tests.bench.lighthouse

pictures: $(VENV)/tests.stamp browsers ## Pictures of every page, phone and desk, light and dark
	$(BIN)/python -m tests.browser.pictures

clean: ## Remove the environment
	rm -rf $(VENV)

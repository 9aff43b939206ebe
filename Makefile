# EMBED Lab: `make` lists what there is to do.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := services/chassis services/catalog services/imagery services/trainer[worker] gateway client devstack
SOURCES := services/chassis/src services/catalog/src services/imagery/src services/trainer/src gateway/src client/src devstack/src benchmarks
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}'

# --- set-up -------------------------------------------------------------------------------------

$(VENV)/.installed: constraints.txt $(wildcard */pyproject.toml services/*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt pip setuptools
	$(BIN)/python -m pip install --quiet --no-build-isolation --constraint constraints.txt $(PACKAGES:%=--editable %) --requirement requirements-dev.txt
	touch $@

.PHONY: install
install: $(VENV)/.installed ## create .venv with every package, pinned by constraints.txt

frontend/node_modules/.installed: frontend/package-lock.json | $(VENV)/.installed
	scripts/node npm --prefix frontend ci --no-audit --no-fund --loglevel=error
	touch $@

frontend/dist/index.html: frontend/node_modules/.installed $(shell find frontend/src frontend/public frontend/index.html frontend/vite.config.ts -type f 2>/dev/null)
	scripts/node npm --prefix frontend run --silent build

.PHONY: web
web: frontend/dist/index.html ## build the web app

# --- the demo: everything on this machine, without Docker -----------------------------------------

.PHONY: demo
demo: $(VENV)/.installed frontend/dist/index.html ## start everything with synthetic data (DETACH=1: return when ready)
	@$(BIN)/python -m devstack up --port $(PORT) $(if $(DETACH),--detach)

.PHONY: demo-down
demo-down: ## stop the demo; its data stay in .devstack
	@$(BIN)/python -m devstack down

.PHONY: backup
backup: $(VENV)/.installed ## write database and artifacts of the running demo to the new folder TO
	@$(BIN)/python -m devstack backup "$(TO)"

.PHONY: restore
restore: $(VENV)/.installed ## replace what the running demo holds by the backup in the folder FROM
	@$(BIN)/python -m devstack restore "$(FROM)"

.PHONY: smoke
smoke: $(VENV)/.installed ## drive a running stack over HTTP, from sign-in to a ROC curve
	@$(BIN)/embedlab smoke

# --- checks -------------------------------------------------------------------------------------

.PHONY: test
test: lint types contract test-python test-web ## everything that proves it

.PHONY: lint
lint: $(VENV)/.installed ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.installed ## mypy, strict
	$(BIN)/mypy $(SOURCES)

.PHONY: contract
contract: $(VENV)/.installed ## docs/openapi.json says what the services declare
	$(BIN)/python scripts/openapi.py --check --out docs/openapi.json

.PHONY: test-python
test-python: $(VENV)/.installed ## pytest, against real PostgreSQL, Valkey and S3
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --maxfail 12 -m "not browser and not stack"

.PHONY: test-web
test-web: frontend/node_modules/.installed ## type check, lint and unit tests of the web app
	scripts/node npm --prefix frontend run --silent check
	scripts/node npm --prefix frontend test --silent

.PHONY: test-stack test-stack-services test-browser
test-stack: test-stack-services test-browser ## tests that need the whole stack, and Chromium where it is installed
test-stack-services: $(VENV)/.installed frontend/dist/index.html
	$(BIN)/pytest -m "browser or stack" --ignore tests/browser
test-browser: $(VENV)/.installed frontend/dist/index.html
	$(BIN)/pytest -m browser tests/browser

.PHONY: test-chaos
test-chaos: $(VENV)/.installed ## kill everything a job needs, 60 times at random (half an hour; KILLS, SEED)
	$(BIN)/python -m tests.chaos.trainer --kills $(or $(KILLS),60) --seed $(or $(SEED),1)

.PHONY: test-fuzz
test-fuzz: $(VENV)/.installed ## 20,000 broken DICOM files (hours; FILES)
	$(BIN)/python tests/imagery/fuzz.py --files $(or $(FILES),20000)

.PHONY: soak
soak: $(VENV)/.installed ## a mixed load on the running demo at 70 % of its limit: no error, flat memory (MINUTES)
	$(BIN)/python -m benchmarks.soak.soak --stack .devstack --minutes $(or $(MINUTES),10)

.PHONY: openapi
openapi: $(VENV)/.installed frontend/node_modules/.installed ## write docs/openapi.json and the web app's types from it
	$(BIN)/python scripts/openapi.py --out docs/openapi.json
	scripts/node npm --prefix frontend run --silent types

# --- the lab server -----------------------------------------------------------------------------

.PHONY: up
up: ## build and start the containers
	scripts/secrets
	$(COMPOSE) up --detach --build

.PHONY: down
down: ## stop the containers; volumes stay
	$(COMPOSE) down

.PHONY: logs
logs: ## follow the containers' logs
	$(COMPOSE) logs --follow --tail 100

.PHONY: compose-test
compose-test: $(VENV)/.installed ## build and start the containers with the demo profile, run the smoke test, remove them
	scripts/compose-test

.PHONY: clean
clean: ## remove what was built (not the data)
	rm -rf $(VENV) frontend/node_modules frontend/dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

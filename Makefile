.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench clean lock
PYTHON ?= python3
BIN := .venv/bin
DURATION ?=
PURE := signals/*,alerts/machine.py,alerts/policy.py,alerts/early_warning/*
PURE := $(PURE),alerts/alive.py,alerts/desk.py,alerts/hearing.py,alerts/ordering.py,ingest/gaps.py,registry/ratio.py

help: ## list these targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: .venv/ready system ## prepare .venv and the system packages that the private stack needs
.PHONY: system
system:
	@sh stack/system-packages.sh

.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## the whole main job on this machine; DURATION=60 ends it after 60 s
	$(BIN)/wanghuo demo $(if $(DURATION),--duration $(DURATION))

test: setup ## every test, on a real broker and a real database
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report
	$(BIN)/coverage report --include='$(PURE)' --fail-under=95

check: setup ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## measure; writes bench/results.json
	$(BIN)/python -m bench

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
lock: ## resolve pyproject's dependencies anew into the lock files
	$(COMPILE) -o requirements.lock pyproject.toml
	$(COMPILE) --extra dev -o requirements-dev.lock pyproject.toml

clean: ## remove what was built here and the demo's data; what `wanghuo up` keeps in .stack/up stays
	rm -rf .venv .stack/demo .stack/env .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .hypothesis
	rm -f bench/results.json
	find . -name __pycache__ -prune -exec rm -rf {} +

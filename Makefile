# `make` lists the targets. Every target does all the set-up it needs.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
FOR ?=
JOBS ?= 2
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-yolo lint bench screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (system packages, Python environment, Kafka, clip, model)
	@PYTHON="$(PYTHON)" pipeline/local/setup.sh

demo: setup ## the whole stack with simulated devices; FOR=90 stops it after 90 s
	@$(BIN)/ioc demo $(if $(FOR),--for $(FOR)s)

test: setup ## all tests but those of the extra; JOBS=0 runs them one after the other
	@$(BIN)/pytest -n $(JOBS)

test-yolo: setup ## the tests of the extra [yolo] (ultralytics, AGPL-3.0), in an environment of its own
	@$(BIN)/python -m pipeline.local.yolo
	@.venv-yolo/bin/python -m pytest -c tests/yolo/pytest.ini --rootdir tests/yolo --confcutdir tests/yolo tests/yolo

lint: setup ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## throughput, latency, accuracy
	@$(BIN)/ioc bench all

screenshots: setup ## every page of the console, into screenshots/
	@$(BIN)/python -m tests.browser.screenshots screenshots

clean: ## end everything that the local stack left running and remove its data
	@if [ -x $(BIN)/ioc ]; then $(BIN)/ioc down --remove-data; fi
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

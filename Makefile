# Needs make and Python 3.11 or newer; `make install` gets the rest, and every target below runs it.
PYTHON := .venv/bin/python
PENSTOCK := .venv/bin/penstock
FAST_TESTS := $(filter-out tests/e2e, $(patsubst %/,%,$(wildcard tests/*/)))
CODE := layers/penstock/penstock cli $(wildcard functions tests examples benchmarks)

.DEFAULT_GOAL := help
SEEDS ?= 10000
STACKS ?= 3

.PHONY: help install demo test lint unit simulate e2e bench up down

help:  ## Show this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

install:  ## Create .venv and the tools' environments; quick when nothing changed
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    exec $$python cli/penstock_local/environments.py dev sam ministack; \
	  fi; \
	done; \
	echo 'Python 3.11 or newer is needed: no python3.13, python3.12, python3.11 or python3 is one' >&2; \
	exit 1

demo: install  ## Drop a file, see its predictions: all on this machine
	@$(PYTHON) examples/demo.py

test: lint unit e2e  ## Everything below, as CI does
	@echo 'passed: lint, unit, e2e'

lint: install  ## Style and types
	@echo '== lint'
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy $(CODE)

# Three at a time on two cores: contract tests mostly wait, for servers of their own.
unit: install  ## Tests that need no stack: unit, contract, template, simulation
	@echo '== unit, contract, template and simulation tests'
	@$(PYTHON) -m pytest -q -n 3 --dist worksteal --durations=5 $(FAST_TESTS)

simulate: install  ## Random jobs under random faults: make simulate SEEDS=100000
	@$(PYTHON) -m tests.simulation --seeds $(SEEDS)

e2e: install  ## Tests on local stacks of their own: STACKS side by side, 2 GB each
	@echo '== end-to-end tests, on $(STACKS) stacks'
	@$(PYTHON) -m pytest -v -n $(STACKS) --dist worksteal --durations=5 -m 'not alone' tests/e2e
	@echo '== end-to-end tests that want the machine for themselves'
	@$(PYTHON) -m pytest -v --durations=5 -m alone tests/e2e

bench: install  ## Measure; see benchmarks/
	@$(PYTHON) -m benchmarks

up: install  ## Start the local stack
	@$(PENSTOCK) local up

down: install  ## Stop it
	@$(PENSTOCK) local down

# The commands of this project; each works alone on a fresh clone. Needs make, bash and Python 3.11 or newer.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run setup test check bench clean distclean

VENV := .venv/bin
# Where browser tests find their browser; empty when there is none, and then they say so and are skipped.
PYTEST = chromium="$$(scripts/find_chromium.sh)" && DERM_CHROMIUM="$$chromium" $(VENV)/python -m pytest

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1	/' | expand -t 16

run:  ## start the app on this machine (PORT=8600 for another port)
	@scripts/setup.sh
	@scripts/run.sh $(PORT)

setup:  ## make .venv with everything pinned, tools included
	@scripts/setup.sh --dev

test: setup  ## run all tests (ARGS="-k taxonomy" for some)
	@$(PYTEST) $(ARGS)

check: setup  ## all that CI runs: style, types, tests
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	@$(PYTEST)

bench: setup  ## measure start, decoding, prediction, saliency, search for duplicates, training and evaluation here
	@$(VENV)/python scripts/bench.py $(ARGS)
	@$(VENV)/python scripts/bench_saliency.py
	@$(VENV)/python scripts/bench_neighbours.py --sizes 8000
	@$(VENV)/python scripts/bench_training.py
	@$(VENV)/python scripts/bench_evaluate.py

clean:  ## remove caches
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean  ## remove caches, .venv and downloaded browsers
	rm -rf .venv .browsers

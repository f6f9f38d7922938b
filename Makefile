# make demo: from an empty machine to a video.   make test: from an empty machine to passed tests.
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types lock clean

help:   ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup:  ## install what is missing, and .venv (TORCH_INDEX=… for another build of torch)
	@.ci/setup

demo: setup  ## outputs/langevin/langevin.mp4
	$(BIN)/diffrender render langevin -q m --workers 2 --out outputs/langevin/langevin.mp4

test: setup  ## all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: setup  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy
	$(BIN)/mypy

lock: setup  ## pin what is installed now
	$(BIN)/python -m pip freeze --exclude-editable --exclude diffrender | sed -E 's/\+cpu$$//' > requirements.lock

clean:  ## remove .venv and caches; outputs stay
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache build dist

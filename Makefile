# make demo: from an empty machine to a video.   make test: from an empty machine to passed tests.
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: gallery help setup demo test check-slow lint types lock audit clean

help:   ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup:  ## install what is missing, and .venv (TORCH_INDEX=… for another build of torch)
	@.ci/setup

demo: setup  ## outputs/langevin/langevin.mp4
	$(BIN)/diffrender render langevin -r 1280,720 --fps 15 --out outputs/langevin/langevin.mp4

test: setup  ## all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

check-slow: setup  ## tests that take minutes: gigabytes, slow networks, kills on a cluster, what the suite samples in full
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

lint: setup  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy
	$(BIN)/mypy

gallery: setup  ## a picture of every scene in docs/gallery, and docs/scenes.md
	$(BIN)/python .ci/gallery.py --render

lock: setup  ## pin what is installed now, with hashes
	$(BIN)/python -m venv .venv/lock && .venv/lock/bin/python -m pip install -q uv
	$(BIN)/python -m pip freeze --exclude-editable --exclude diffrender-video > .venv/lock/pins
	sed -nE 's/^(torch==[^+]*).*/# torch: \1/p' .venv/lock/pins > requirements.lock
	sed '/^torch==/d' .venv/lock/pins | .venv/lock/bin/uv pip compile -q --no-deps --generate-hashes --no-header --no-annotate - >> requirements.lock

audit: setup  ## look for known faults in what is pinned (asks the Python package index)
	$(BIN)/python -m venv .venv/audit && .venv/audit/bin/python -m pip install -q pip-audit
	.venv/audit/bin/pip-audit --strict --no-deps --disable-pip --require-hashes -r requirements.lock

clean:  ## remove .venv and caches; outputs stay
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache build dist

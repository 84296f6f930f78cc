# The two commands: `make report` and `make test`. Both set up by themselves, and both can be repeated.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/ready
PYTEST ?= $(BIN)/python -m pytest

# Extra words for `initatlas run`: make report ARGS="--scale paper"
ARGS ?=
# Processes of the tests: one more than the two cores that they are made for, as many a test waits for others
WORKERS ?= 3
# Scale of `make claims`
SCALE ?= smoke
# One benchmark, or one room of mutants, instead of all: make bench ONLY=kernels
ONLY ?=

# Hundreds of short processes would each compile our modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup report test test-cluster docs check format claims bench mutate bench-oracle bench-jax reference clean

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY)  ## create .venv with the pinned packages

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "initatlas needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $$(grep '^torch==' requirements.lock)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

report: $(READY)  ## run the workflow to reports/index.html (ARGS="--scale paper")
	$(BIN)/initatlas run $(ARGS)

test: $(READY)  ## all tests, in three processes (WORKERS=0: in one)
	$(PYTEST) --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

test-cluster: $(READY)  ## drills on a real Slurm and on hosts of their own, where there are such
	$(PYTEST) tests/cluster $(ARGS)

docs: $(READY)  ## the documentation as a site, build/docs/html/index.html; a broken link is an error
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html -d build/docs/doctrees docs build/docs/html

check: $(READY) docs  ## ruff, snakefmt, snakemake --lint, mypy, the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check --compact-diff Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

format: $(READY)  ## format everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

claims: $(READY)  ## run everything and hold the claims against the expected ones (SCALE=quick)
	$(BIN)/initatlas run --scale $(SCALE)
	$(BIN)/initatlas claims diff --numbers tests/expected/$(SCALE).json reports/$(SCALE)/claims.json

bench: $(READY)  ## benchmarks to benchmarks/results (ONLY=name)
	$(BIN)/python -m benchmarks $(ONLY)

mutate: $(READY)  ## small changes of the code that no unit test notices (ONLY=room)
	nice $(BIN)/python tests/mutation $(ONLY) $(ARGS)

bench-oracle:  ## create .venv-oracle with neural-tangents, a competitor in the benchmark of kernels
	$(PYTHON) -m venv .venv-oracle
	.venv-oracle/bin/pip install --quiet --disable-pip-version-check jax==0.4.35 jaxlib==0.4.35 absl-py frozendict 'numpy<2.3' 'scipy<1.15'
	.venv-oracle/bin/pip install --quiet --disable-pip-version-check --no-deps neural-tangents==0.6.5  # it wants TensorFlow, for what we do not use

bench-jax:  ## create .venv-jax with the newest JAX, a competitor in the benchmark of descent
	$(PYTHON) -m venv .venv-jax
	.venv-jax/bin/pip install --quiet --disable-pip-version-check --upgrade jax jaxlib

reference: $(READY)  ## write config/README.md and config/schema from the models
	$(BIN)/initatlas config reference

clean:  ## remove what the workflow made, but not the point store
	rm -rf data/datasets data/cubes data/logs data/benchmarks data/specs reports/*/ reports/index.html

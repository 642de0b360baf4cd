# Every target sets itself up: the first one makes the virtual environment .venv and
# installs there what it needs; the next ones find it. `make help` lists the targets.

PYTHON ?= python3
ARGS ?=
DATA ?= $(SKLEARN_GD_LOGREG_DATA)

# One thread in a process. The problems here are small, tests already run one process to a
# core, and BLAS threads that wait for each other on a busy machine take many times longer.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo pictures test test-bench test-oldest fuzz lint types docs bench bench-scaling bench-docs clean
.NOTPARALLEL:

help: ## this list
	@echo "PYTHON=python3.12 chooses the Python of a new environment, ARGS='-k sparse' goes to pytest,"
	@echo "ARGS=--quick or ARGS=--help to the benchmark, DATA=folder names its real data."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: .venv/examples.installed ## our fits beside scikit-learn's, on real data
	.venv/bin/python examples/quickstart.py

pictures: .venv/examples.installed ## the four pictures of a descent, in examples/output
	.venv/bin/python examples/pictures.py $(ARGS)

test: .venv/test.installed ## the tests
	.venv/bin/python -m pytest -n auto $(ARGS)

test-bench: .venv/test.installed .venv/bench.installed ## the tests of the benchmark
	.venv/bin/python -m pytest tests/test_benchmark.py $(ARGS)

test-oldest: .venv-oldest/test.installed ## the tests on the oldest supported versions
	.venv-oldest/bin/python -m pytest -n auto $(ARGS)

fuzz: .venv/test.installed ## random problems for a minute, judged; ARGS='--minutes 60 --seed 1'
	.venv/bin/python -m tests.fuzz $(ARGS)

lint: .venv/lint.installed ## format and style
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

types: .venv/lint.installed ## static types of the package
	.venv/bin/mypy

docs: .venv/docs.installed ## the documentation, in docs/_build/html
	.venv/bin/sphinx-build -W --keep-going -b html docs docs/_build/html

bench: .venv/bench.installed ## time to the optimum beside other solvers; the better part of an hour
	SKLEARN_GD_LOGREG_DATA='$(DATA)' .venv/bin/python benchmarks/run.py $(ARGS)

bench-scaling: .venv/bench.installed ## how the cost grows with the sizes of a problem
	.venv/bin/python benchmarks/scaling.py $(ARGS)

bench-docs: .venv/bench.installed ## the last benchmark's tables and curves into docs
	.venv/bin/python benchmarks/report.py --docs $(ARGS)

clean: ## remove all that was made here, environments too
	rm -rf .venv .venv-oldest build dist docs/_build docs/api/generated examples/output
	rm -rf benchmarks/output benchmarks/logistic_regression/__cache__
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- environments ------------------------------------------------------------------------
# An empty file in an environment says what is done there: `made`, or `<extra>.installed`.

.venv/made .venv-oldest/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and '$(PYTHON)' is not that." >&2; \
	  echo "Name one that is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module. Debian and Ubuntu: apt install python3-venv." >&2; \
	  exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	@touch $@

# The test extra holds the examples extra.
.venv/%.installed: pyproject.toml .venv/made
	.venv/bin/python -m pip install --quiet --editable '.[$*]'
	@touch $@ $(if $(filter test,$*),.venv/examples.installed)

.venv-oldest/%.installed: pyproject.toml tests/oldest.txt .venv-oldest/made
	.venv-oldest/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable '.[$*]'
	@touch $@

# Every target sets itself up: the first one makes the virtual environment VENV and
# installs there what it needs; the next ones find it. `make help` lists the targets.

PYTHON ?= python3
VENV = .venv
ARGS ?=
DATA ?= $(SKLEARN_GD_LOGREG_DATA)
# Where numpy, scipy and scikit-learn publish the wheels of their main branches.
NIGHTLY ?= https://pypi.anaconda.org/scientific-python-nightly-wheels/simple

# One thread in a process. The problems here are small, tests already run one process to a
# core, and BLAS threads that wait for each other on a busy machine take many times longer.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo pictures test test-bench test-kernels test-oldest test-nightly test-sklearn test-export test-dask test-torch fuzz
.PHONY: lint types docs test-site bench bench-scaling bench-docs dist clean
.NOTPARALLEL:

help: ## this list
	@echo "PYTHON=python3.12 chooses the Python of a new environment, VENV=.venv-3.12 its folder."
	@echo "ARGS='-k sparse' goes to pytest, ARGS=--quick or ARGS=--help to the benchmark;"
	@echo "DATA=folder names its real data."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/examples.installed ## our fits beside scikit-learn's, on real data
	$(VENV)/bin/python examples/quickstart.py

pictures: $(VENV)/examples.installed ## the pictures of the documentation; ARGS=--check says which are stale
	$(VENV)/bin/python docs/pictures.py $(ARGS)

test: $(VENV)/test.installed ## the tests
	$(VENV)/bin/python -m pytest -n auto $(ARGS)

test-bench: $(VENV)/test.installed $(VENV)/bench.installed ## the tests of the benchmark
	$(VENV)/bin/python -m pytest tests/test_benchmark.py $(ARGS)

test-kernels: $(VENV)/test.installed ## the tests that rounding could decide, under several kernels of OpenBLAS
	$(VENV)/bin/python tests/kernels.py -n auto $(ARGS)

test-sklearn: $(VENV)/test.installed ## scikit-learn's own tests of its LogisticRegression, with ours in its place
	$(VENV)/bin/python tests/foreign/sklearn_logistic.py $(ARGS)

test-oldest: .venv-oldest/test.installed ## the tests on the oldest supported versions
	.venv-oldest/bin/python -m pytest -n auto $(ARGS)

# Made anew each time: what is nightly is of that night.
test-nightly: ## the tests on the nightly versions of numpy, scipy and scikit-learn
	rm -rf .venv-nightly
	$(MAKE) .venv-nightly/test.installed VENV=.venv-nightly
	.venv-nightly/bin/python -m pip install --quiet --upgrade --pre --index-url $(NIGHTLY) \
	  numpy scipy scikit-learn
	.venv-nightly/bin/python -m pytest -n auto $(ARGS)

test-dask: ## rows in dask collections, on worker processes too
	$(MAKE) .venv-dask/test.installed .venv-dask/dask.installed VENV=.venv-dask
	.venv-dask/bin/python -m pytest tests/test_dask.py -n auto $(ARGS)

test-torch: ## tensors of PyTorch, and its optimisers as oracles; on a GPU where there is one
	$(MAKE) .venv-torch/test.installed .venv-torch/torch.installed VENV=.venv-torch
	.venv-torch/bin/python -m pytest tests/test_array_api.py tests/test_pytorch_optimisers.py $(ARGS)

test-export: ## the recipes of docs/leaving.md, with the tools that they need
	$(MAKE) .venv-export/test.installed .venv-export/export.installed VENV=.venv-export
	.venv-export/bin/python -m pytest tests/test_export.py $(ARGS)

fuzz: $(VENV)/test.installed ## random problems for a minute, judged; ARGS='--minutes 60 --seed 1'
	$(VENV)/bin/python -m tests.fuzz $(ARGS)

lint: $(VENV)/lint.installed ## format and style
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

types: $(VENV)/lint.installed ## static types of the package
	$(VENV)/bin/mypy

docs: $(VENV)/docs.installed ## the documentation, in docs/_build/html
	$(VENV)/bin/sphinx-build -W --keep-going -b html docs docs/_build/html

test-site: $(VENV)/site.installed docs ## the tests of the built documentation, in a browser
	$(VENV)/bin/python -m pytest tests/site.py $(ARGS)

bench: $(VENV)/bench.installed ## time to the optimum beside other solvers; the better part of an hour
	SKLEARN_GD_LOGREG_DATA='$(DATA)' $(VENV)/bin/python benchmarks/run.py $(ARGS)

bench-scaling: $(VENV)/bench.installed ## how the cost grows with the sizes of a problem
	$(VENV)/bin/python benchmarks/scaling.py $(ARGS)

bench-docs: $(VENV)/bench.installed ## the last benchmark's tables and curves into docs
	$(VENV)/bin/python benchmarks/report.py --docs $(ARGS)

# The tests run beside the wheel, from the sdist without its package: what the wheel lacks is missing.
dist: $(VENV)/dist.installed ## wheel and sdist in dist; a fresh environment runs the tests on the wheel
	rm -rf dist .venv-wheel
	$(VENV)/bin/python -m build
	$(VENV)/bin/python -m twine check --strict dist/*
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet "$$(echo dist/*.whl)[test]"
	mkdir .venv-wheel/sdist
	tar --extract --file dist/*.tar.gz --directory .venv-wheel/sdist --strip-components 1
	rm -r .venv-wheel/sdist/sklearn_gd_logreg
	cd .venv-wheel/sdist && ../bin/python -c 'import sklearn_gd_logreg as package; \
	  print(package.__file__); assert "site-packages" in package.__file__'
	cd .venv-wheel/sdist && ../bin/python -m pytest -n auto $(ARGS)

clean: ## remove all that was made here, environments too
	rm -rf .venv .venv-* .ci/copy build dist docs/_build docs/api/generated docs/api/backreferences examples/output
	rm -rf docs/auto_examples docs/sg_execution_times.rst
	rm -rf benchmarks/output benchmarks/*/__cache__ benchmarks/*/outputs
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- environments ------------------------------------------------------------------------
# An empty file in an environment says what is done there: `made`, or `<extra>.installed`.

$(VENV)/made .venv-oldest/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and '$(PYTHON)' is not that." >&2; \
	  echo "Name one that is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module. Debian and Ubuntu: apt install python3-venv." >&2; \
	  exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	@touch $@

# The test extra holds the examples extra, the site extra those of test and docs.
HELD_examples =
HELD_test = examples
HELD_site = examples test docs
$(VENV)/%.installed: pyproject.toml $(VENV)/made
	$(VENV)/bin/python -m pip install --quiet --editable '.[$*]'
	@touch $@ $(HELD_$*:%=$(VENV)/%.installed)

.venv-oldest/%.installed: pyproject.toml tests/oldest.txt .venv-oldest/made
	.venv-oldest/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable '.[$*]'
	@touch $@

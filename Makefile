# Set-up and the main jobs. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CORES  ?= all
# Further arguments for Snakemake, e.g. make bench ARGS="--config datasets=set5,set14"
ARGS   ?=

# One line a stage; ARGS=--verbose gives all that Snakemake has to say.
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) --logger stages
# .pyc files are made when a module is first imported; compiling all of them takes longer than the demo's training.
PIP       := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile

# Ends well where Python is older than 3.14, or there are a C compiler and Python.h.
CAN_BUILD := import os, shutil, sys, sysconfig as s; \
  sys.exit(sys.version_info >= (3, 14) and not (shutil.which((s.get_config_var("CC") or "cc").split()[0]) \
  and os.path.exists(s.get_path("include") + "/Python.h")))

# Where it is set, every start of Python compiles all modules anew: Snakemake then takes 4 s to start instead of 1.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo bench fetch test lint format fuzz mutation benchmark docs-figures clean distclean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Create .venv with the pinned requirements

# BasicSR with its dependencies would bring a second OpenCV. For Python 3.14 one of Snakemake's packages has no wheel.
$(VENV)/.ready: requirements-torch.txt requirements.txt requirements-basicsr.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || \
	  { echo "error: Python 3.11 to 3.14 is needed, '$(PYTHON)' is $$($(PYTHON) --version 2>&1); try make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c '$(CAN_BUILD)' || \
	  { echo "error: with Python 3.14 Snakemake's package immutables must be compiled, which needs a C compiler and Python's" \
	    "headers (Debian: gcc, python3-dev); or try make PYTHON=python3.13" >&2; exit 1; }
	@echo "Setting up $(VENV) (two minutes or so) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements-torch.txt
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps -r requirements-basicsr.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

setup-dev: $(VENV)/.ready-dev ## Add what the tests need

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@

demo: setup ## Run the demo on real images and print the path of the report
	@$(SNAKEMAKE) --configfile config/demo.yaml $(ARGS)
	@$(BIN)/sisr summary results/demo

bench: setup ## Run the full benchmark (SISR_MIRROR=folder makes it need no network)
	@$(SNAKEMAKE) $(ARGS)
	@$(BIN)/sisr summary results/benchmark

fetch: setup ## Download everything the full benchmark needs; tries again what was unavailable
	@$(BIN)/sisr fetch --all --keep-going

# Two workers with a pool of threads each would wait for one another.
test: lint ## Set up and pass every test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: setup-dev ## Formatters, linters and the type checker
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check workflow
	@$(BIN)/codespell
	@$(BIN)/mypy
	@$(BIN)/snakemake --lint
	@$(BIN)/snakemake --lint --configfile config/demo.yaml

format: setup-dev ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/snakefmt workflow

fuzz: setup-dev ## Hostile inputs over all entry points; ARGS="--count 2200 --seed 0"
	@$(BIN)/python tests/fuzz/fuzzing.py $(ARGS)

# Goes on where it was stopped; `rm -r mutants` begins anew.
mutation: setup-dev ## Mutation score of the modules that compute numbers (hours), see docs/testing.md
	@$(PIP) --no-deps --upgrade --target .cache/mutmut -r tests/fuzz/mutmut.txt
	@OMP_NUM_THREADS=1 PYTHONPATH=.cache/mutmut $(BIN)/python tests/fuzz/mutation.py $(ARGS)

benchmark: setup-dev ## Speed against BasicSR, scikit-image, pyiqa and Pillow, in one run
	@$(PIP) --no-deps --upgrade --target .cache/peers -r tests/benchmarks/peers.txt
	@$(BIN)/python -m pytest tests/benchmarks -q -s -p no:xdist $(ARGS)

docs-figures: demo ## Draw the images of docs/kernels.md and docs/studies
	@$(BIN)/python -m sisr.report.figures.kernel_responses docs/images
	@$(BIN)/python -m sisr.studies docs/images .cache/studies

clean: ## Remove results (downloads and weights stay)
	rm -rf results/demo results/benchmark .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants

distclean: clean ## Remove also downloads, weights and .venv
	rm -rf resources $(VENV)

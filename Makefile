# Set-up and the main jobs. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CORES  ?= all
# Further arguments for Snakemake, e.g. make bench ARGS="--config datasets=set5,set14"
ARGS   ?=

SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
# .pyc files are made when a module is first imported; compiling all of them takes longer than the demo's training.
PIP       := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile

# Where it is set, every start of Python compiles all modules anew: Snakemake then takes 4 s to start instead of 1.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo bench fetch test lint format benchmark docs-figures clean distclean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Create .venv with the pinned requirements

# BasicSR with its dependencies would bring a second OpenCV, and with build isolation a second torch.
$(VENV)/.ready: requirements-torch.txt requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed, '$(PYTHON)' is $$($(PYTHON) --version 2>&1); try make PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up $(VENV) (two minutes or so) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements-torch.txt
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation basicsr==1.4.2
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

setup-dev: $(VENV)/.ready-dev ## Add what the tests need

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@

demo: setup ## Run the demo on real pictures and print the path of the report
	@$(SNAKEMAKE) --configfile config/demo.yaml $(ARGS)
	@echo "Site:   $(CURDIR)/results/demo/site/index.html"
	@echo "Report: $(CURDIR)/results/demo/report.html"

bench: setup ## Run the full benchmark (SISR_MIRROR=folder makes it need no network)
	@$(SNAKEMAKE) $(ARGS)
	@echo "Site:   $(CURDIR)/results/benchmark/site/index.html"
	@echo "Report: $(CURDIR)/results/benchmark/report.html"

fetch: setup ## Download everything the full benchmark needs; tries again what was unavailable
	@$(BIN)/sisr fetch --all --keep-going

test: lint ## Set up and pass every test
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: setup-dev ## Formatters, linters and the type checker
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check workflow
	@$(BIN)/mypy
	@$(BIN)/snakemake --lint
	@$(BIN)/snakemake --lint --configfile config/demo.yaml

format: setup-dev ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/snakefmt workflow

benchmark: setup-dev ## Speed against BasicSR, scikit-image, pyiqa and Pillow, in one run
	@$(PIP) --no-deps --upgrade --target .cache/peers -r tests/benchmarks/peers.txt
	@$(BIN)/python -m pytest tests/benchmarks -q -s -p no:xdist $(ARGS)

docs-figures: demo ## Draw the pictures of docs/kernels.md and docs/studies
	@$(BIN)/python -m sisr.figures.kernels docs/images
	@$(BIN)/python -m sisr.figures.studies docs/images .cache/studies

clean: ## Remove results (downloads and weights stay)
	rm -rf results/demo results/benchmark .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean ## Remove also downloads, weights and .venv
	rm -rf resources $(VENV)

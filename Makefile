# `make` lists the targets. SWEEP is a catalog name or a YAML file; STORE is where results live, by default that of
# FROSTLINE_STORE, else the folder `store`. With ADDRESS the runs
# are sent to a running Ray cluster (docs/hosts.md), each with GPUS_PER_RUN of a GPU.
SWEEP ?= quickstart
STORE ?= $(or $(FROSTLINE_STORE),store)
ARGS ?=
JOBS ?= 3
ADDRESS ?=
GPUS_PER_RUN ?=
CLAIMS := claim1_target_size claim2_source_size claim3_freezing claim4_relatedness
PYTHON ?= python3

PLACE := $(if $(ADDRESS),--address $(ADDRESS)) $(if $(GPUS_PER_RUN),--gpus-per-run $(GPUS_PER_RUN))

ENV := .venv
PY := $(ENV)/bin/python
READY := $(ENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup sweep claims plan status report doctor bench test long chaos hosts rejoin slurm check clean

help: ## List the targets
	@echo "Frostline: double descent in transfer learning. Variables: SWEEP=$(SWEEP) STORE=$(STORE) ADDRESS=... ARGS=..."
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install the locked packages into .venv, once, and say how far it is

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; this is $$($(PYTHON) -V). Try: make PYTHON=python3.12"; exit 2; }
	@echo "1 of 3: an environment in $(ENV)"
	@$(PYTHON) -m venv $(ENV)
	@echo "2 of 3: the locked packages (several GB: PyTorch for Linux comes with its GPU libraries)"
	@$(PY) setup/install.py $(PY) requirements.lock
	@echo "3 of 3: frostline itself"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Set up: $$(du -sh $(ENV) | cut -f1) in $(ENV)."

sweep: $(READY) ## Run a sweep (resumes, retries, extends) and show its verdict
	@$(PY) -m frostline run $(SWEEP) --store $(STORE) $(PLACE) $(ARGS)
	@$(PY) -m frostline summary $(SWEEP) --store $(STORE)

claims: $(READY) ## Decide the claims C1 to C4 on data that come with the packages (some 20 minutes)
	@set -e; for claim in $(CLAIMS); do \
		$(PY) -m frostline run $${claim}_digits --store $(STORE) $(PLACE) $(ARGS); \
		$(PY) -m frostline tables $${claim}_digits --store $(STORE) --out results/claims/$${claim}_digits; done
	@$(PY) -m frostline claims $(CLAIMS:=_digits) --store $(STORE) --out results/claims \
		--related "mnist[0-4];glyphs[0-4]"

plan: $(READY) ## Show what a sweep would run
	@$(PY) -m frostline plan $(SWEEP) --store $(STORE) $(ARGS)

status: $(READY) ## Show how far a sweep is
	@$(PY) -m frostline status $(SWEEP) --store $(STORE) $(ARGS)

report: $(READY) ## Write the page with figures and tables
	@$(PY) -m frostline report $(SWEEP) --store $(STORE) $(ARGS)

doctor: $(READY) ## Check what this machine has for a run
	@$(PY) -m frostline doctor --store $(STORE) $(ARGS)

bench: $(READY) ## Measure again what is claimed about speed on a CPU
	@$(PY) -m benchmarks $(ARGS)

test: check ## Run all checks and tests, as continuous integration does (JOBS=3 processes)
	@$(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

long: $(READY) ## Try every command in every environment of docs/environments.md, LaTeX too (20 minutes, in two processes)
	@FROSTLINE_MATRIX=full $(PY) -m pytest tests/environment tests/analysis/report/test_papers.py \
		tests/orchestrator/store/test_race.py -n 2 $(ARGS)

chaos: $(READY) ## Break a real sweep in every way, the long form; prints fault / injected / survived
	@FROSTLINE_CHAOS=full $(PY) -m pytest tests/chaos $(ARGS)

slurm: $(READY) ## Run the batch scripts under a real Slurm (root; Debian's packages, or unpacked: FROSTLINE_SLURM=FOLDER)
	@FROSTLINE_SLURM=$${FROSTLINE_SLURM:-/} $(PY) -m pytest tests/slurm -rs $(ARGS)

hosts: $(READY) ## Break hosts of a real Ray cluster: network namespaces; needs root and iproute2 (12 minutes)
	@FROSTLINE_HOSTS=all $(PY) -m pytest tests/hosts -rs $(ARGS)

rejoin: $(READY) ## Kill a host and let it join again, ten times; needs what `hosts` needs
	@FROSTLINE_HOSTS=rejoin $(PY) -m pytest tests/hosts -rs $(ARGS)

check: $(READY) ## Lint, types, import direction
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m pyright
	@$(PY) -m pytest tests/test_imports.py

clean: ## Remove what can be made again: results/ and caches. The store and .venv stay
	rm -rf results .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './$(ENV)/*' -prune -exec rm -rf {} +

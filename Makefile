# Two commands: `make table1` (set up, run the workflow on the embedded corpus, show the table), `make test`.
PYTHON ?= python3.11
# Where PyTorch publishes its CPU builds; when it cannot be reached, pip takes what its own sources offer.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
CORES ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: docs setup table1 verify test test-quick chaos lint format lock benchmark config-reference environments status clean clean-all

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	@echo "installing the pinned packages into .venv (about 2 minutes)"
	$(PIP) --retries 0 --extra-index-url $(TORCH_INDEX) --constraint requirements.lock torch
	$(PIP) --no-deps --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

table1: setup
	$(BIN)/snakemake --cores $(CORES)

# Whether the table of the default run is, digit for digit, the one in docs/expected_table1.csv.
verify: setup
	$(BIN)/snakemake --cores $(CORES) verify_table

# A file's tests stay together, since they share what it takes minutes to make. Files go to the workers in the order of
# collection, which begins with the slow ones (tests/conftest.py); the default begins with those of most tests.
PYTEST := $(BIN)/pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder

test: setup
	$(PYTEST)

test-quick: setup
	$(PYTEST) -m "not slow"

# Kills at random moments and damaged files by the hundred; about a quarter of an hour.
chaos: setup
	CHAOS=1 $(BIN)/pytest -s tests/end_to_end/test_chaos.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/python -m workflow_scripts.lint_workflow

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

benchmark: setup
	$(BIN)/snakemake --cores $(CORES) benchmarks

# The pages of docs/ as a site in site/; a broken link is an error.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

config-reference: setup
	$(BIN)/python -m workflow_scripts.write_config_reference

# TensorBoard is optional and large; PyTorch's CUDA packages belong to its other builds.
lock:
	uv pip compile pyproject.toml --extra embedded-corpus --extra identity --extra alignment --extra cluster --extra docs \
	  --extra dev --python-version 3.11 --no-annotate --no-header -o requirements-cuda.lock
	sed -i -e 's/+cpu$$//' requirements-cuda.lock
	sed -e '/^nvidia-/d' -e '/^cuda-/d' -e '/^triton==/d' requirements-cuda.lock > requirements.lock
	$(MAKE) environments

# The files in environments/, from the locks.
environments:
	$(BIN)/python -m workflow_scripts.write_environments

status: setup
	@$(BIN)/python -m workflow_scripts.status

# Lists what it frees, then removes what the same command makes again; trainings (state/) and downloads stay.
clean: setup
	@$(BIN)/python -m workflow_scripts.clean_up --remove

# With trainings and downloads; without CONFIRM=yes it only lists them.
clean-all: setup
	@$(BIN)/python -m workflow_scripts.clean_up --all $(if $(filter yes,$(CONFIRM)),--remove)
	@$(if $(filter yes,$(CONFIRM)),,echo "make clean-all CONFIRM=yes removes all of it, the states of trainings too")

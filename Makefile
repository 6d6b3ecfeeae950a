# make run: set up, then the main job.  make test: set up, then all tests.
PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3))
EXTRAS ?= dev
BIN := .venv/bin

.PHONY: setup run test test-scale test-image lint bench bench-scale lock clean

setup:
	@$(or $(PYTHON),$(error Python 3.11 is needed: install it, or name it with PYTHON=/path/to/python3.11)) tools/bootstrap.py $(EXTRAS)

run: setup
	@$(BIN)/forger run $(ARGS)

test: setup
	@tests/tools.sh
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# The Beam steps on real Flink and Spark clusters, which the tests start and stop; needs Java 17 and Maven.
test-scale: setup
	@$(BIN)/python -m pytest -m scale --timeout=1200 tests/scale $(ARGS)

# The container image, truly built and run; needs root, buildah and debootstrap (Debian: apt-get install buildah debootstrap).
test-image: setup
	@$(BIN)/python -m pytest -m image tests/image $(ARGS)

# Style and docstrings, layers, declared dependencies, types.
lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python tools/check_dependencies.py
	@$(BIN)/basedpyright

bench: setup
	@$(BIN)/python -m tests.benchmarks $(ARGS)

# What each Beam step costs as the data grow; hours for all of it, goes on where it was stopped.
bench-scale: setup
	@$(BIN)/python -m tests.benchmarks scale $(ARGS)

# Pins for every platform that the wheels support; hashes of all files.
lock: setup
	@$(BIN)/uv pip compile setup.py --extra dev --generate-hashes --python-version 3.11 \
		--python-platform x86_64-manylinux_2_39 --quiet --output-file requirements.lock

clean:
	rm -rf .venv .forger build dist forger.egg-info

# Every target that ends in `## text` is listed by `make help`, which is also what `make` alone does.
.DEFAULT_GOAL := help
PYTHON ?= $(or $(shell command -v python3.11),python3)
EXTRAS ?= dev
BIN := .venv/bin

.PHONY: help setup run test test-scale test-cluster test-image lint docs bench bench-scale lock clean clean-home

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "ARGS goes on to the command: make run ARGS='--profile smoke', make test ARGS='tests/unit -q'"

setup:  ## Make .venv from requirements.lock; the other targets do it themselves
	@said=$$("$(PYTHON)" --version 2>&1 | head -n 1); case "$$said" in "Python 3.11."*) ;; *) echo "setup: Python 3.11 is needed (TFX 1.21):" \
		"install python3.11, or name it: make PYTHON=/path/to/python3.11 ($(PYTHON) says: $$said)" >&2; exit 2;; esac
	@"$(PYTHON)" tools/bootstrap.py $(EXTRAS)

run: setup  ## Run the pipeline: 6 to 20 minutes on 2 CPU cores
	@$(BIN)/forger run $(ARGS)

test: setup  ## Run the tests in two processes: 25 minutes, an hour on slow cores
	@tests/tools.sh
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# The Beam steps on real Flink and Spark clusters: each of the two processes of tests starts its own; needs Java 17 and Maven.
test-scale: setup  ## Run the tests on Flink and Spark clusters (Java 17, Maven)
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m scale --timeout=1200 tests/scale $(ARGS)

# Manifests and TFJob on a real kube-apiserver, built once from Go modules (10 minutes on 2 cores) and kept in the user's cache.
test-cluster: setup  ## Run the tests on a real kube-apiserver (Go, etcd, kubectl 1.29 or newer)
	@$(BIN)/python -m pytest -m cluster --timeout=3600 tests/cluster $(ARGS)

# The container image, truly built and run; needs root, buildah and debootstrap (Debian: apt-get install buildah debootstrap).
test-image: setup  ## Build the container image and test it (root, buildah, debootstrap)
	@$(BIN)/python -m pytest -m image tests/image $(ARGS)

# Style and docstrings, layers, declared dependencies, types.
lint: setup  ## Check style, docstrings, layers, dependencies and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python tools/check_dependencies.py
	@$(BIN)/basedpyright

docs: setup  ## Write the README's table of commands and docs/settings.md from the code
	@$(BIN)/python tools/render_docs.py

bench: setup  ## Time the main job from a fresh clone; ARGS=seeds, peers, serving, ... for the others
	@$(BIN)/python -m tests.benchmarks $(ARGS)

# What each Beam step costs as the data grow; hours for all of it, goes on where it was stopped.
bench-scale: setup  ## Measure each Beam step as the data grow: hours, restartable
	@$(BIN)/python -m tests.benchmarks scale $(ARGS)

# Pins for every platform that the wheels support; hashes of all files.
lock: setup  ## Write requirements.lock anew from setup.py
	@$(BIN)/uv pip compile setup.py --extra dev --generate-hashes --python-version 3.11 \
		--python-platform x86_64-manylinux_2_39 --quiet --output-file requirements.lock

clean:  ## Remove .venv and what was built; .forger, with all runs and pushed versions, stays
	rm -rf .venv build dist forger.egg-info

clean-home:  ## Remove .forger: data, runs, trainings, pushed versions; asks first
	@read -p "remove .forger with all its runs and pushed versions? [y/N] " answer && [ "$$answer" = y ] && rm -rf .forger

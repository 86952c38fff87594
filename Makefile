# One entry to everything. Each target creates .venv first when it is missing or older than uv.lock.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PORT ?= 8080
WORKERS ?= 4
SEED ?= 1
TESTS ?= tests
# Processes that tests start would compile every module of ours anew: a third of their start.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo up test test-quick test-full test-stopped lint format bench docs record-histories workflow-commands temporal published clean

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.venv/.ready: pyproject.toml uv.lock .ci/bootstrap
	@.ci/bootstrap

demo: .venv/.ready ## From a Git push to reconciled agents on a throw-away local stack
	@$(BIN)/python -m trunkline.local.demo

up: .venv/.ready ## The same stack on the usual ports, until interrupted (PORT=0 picks free ones)
	@$(BIN)/trunkline dev --port $(PORT)

temporal: .venv/.ready ## Make sure a Temporal server binary is at hand (built once, about 4 minutes)
	@$(BIN)/python -m trunkline.local.temporal

published: .venv/.ready ## Make sure the vendors' published interface documents are at hand (7 MB, once)
	@$(BIN)/python -m tests.simulators.published

lint: .venv/.ready ## ruff, mypy, import contracts, generated documents
	@printf 'lint: ruff\n' && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@printf 'lint: mypy\n' && $(BIN)/mypy
	@printf 'lint: import contracts\n' && $(BIN)/lint-imports
	@printf 'lint: generated documents\n' && $(BIN)/python docs/generate.py --check

format: .venv/.ready ## Rewrite the code the way lint wants it
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

test: .venv/.ready temporal published lint ## Everything a change must pass
	@printf 'test: all but the sample, on $(WORKERS) workers\n' && \
		$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/sample
	@printf 'test: the sample, whose agents have to answer in time, by itself\n' && \
		$(BIN)/pytest tests/sample

test-quick: .venv/.ready temporal published ## The tests that take less than five seconds each
	@printf 'test: quick, on $(WORKERS) workers\n' && \
		$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow"

test-full: export TRUNKLINE_TEST_SHARE = 1.0
test-full: test ## make test, with every seeded count in full instead of a tenth

test-stopped: .venv/.ready temporal published ## The tests while random processes are stopped for a moment (SEED=1, TESTS=tests)
	@$(BIN)/python -m tests.stops --seed $(SEED) \
		$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

bench: .venv/.ready temporal ## Measure what the design promises
	@$(BIN)/python -m benchmarks

docs: .venv/.ready ## Regenerate the references and schemas that are made from code
	@$(BIN)/python docs/generate.py

record-histories: .venv/.ready temporal ## Record the workflow histories that the replay gate replays
	@$(BIN)/python tests/replay/record.py

workflow-commands: .venv/.ready ## Write down what workflows ask for, after a change of it that is meant
	@$(BIN)/python tests/replay/fingerprint.py

clean: ## Remove what make created
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

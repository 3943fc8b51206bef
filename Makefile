# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := ledger consensus bridge execution proving storage contracts settlement actors gateway cluster

.PHONY: setup demo test lint sim bench clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml scripts/setup
	PYTHON=$(PYTHON) scripts/setup $(VENV)
	@touch $@

demo: setup
	$(BIN)/braid demo

# What measures no time runs on two cores; networks of validators get the machine for themselves.
test: setup
	$(BIN)/pytest -n 2 --dist loadgroup --ignore tests/integration --ignore tests/e2e
	$(BIN)/pytest tests/integration tests/e2e

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports

sim: setup
	$(BIN)/python -m tests.simulation
	$(BIN)/python -m tests.simulation --geo

bench: setup
	$(BIN)/braid bench consensus
	$(BIN)/braid bench throughput
	$(BIN)/braid bench execute
	$(BIN)/braid bench prove
	$(BIN)/braid bench prove --batch

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# `make certify` runs the main job, `make test` passes the tests; each sets up what it needs in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: certify test lint types tests docs survivors benchmark speed windows kill soak cassettes exam clean

certify: $(VENV)/.runs
	$(BIN)/conformance certify

test: lint types tests

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

tests: $(VENV)/.ready
	$(BIN)/python -m pytest -n auto

docs: $(VENV)/.ready
	$(BIN)/sphinx-build -W --keep-going -n -q -b html docs build/docs

survivors: $(VENV)/.ready
	$(BIN)/python -m tests.faults.survivors

benchmark: $(VENV)/.ready
	$(BIN)/python -m tests.benchmarks.detection

speed: $(VENV)/.ready
	$(BIN)/python -m tests.benchmarks.speed

windows: $(VENV)/.ready
	$(BIN)/python -m tests.benchmarks.windows

kill: $(VENV)/.ready
	$(BIN)/python -m tests.benchmarks.kill

soak: $(VENV)/.ready
	$(BIN)/python -m tests.benchmarks.soak

cassettes: $(VENV)/.ready
	$(BIN)/conformance certify --record
	$(BIN)/python -m tests.peers.localstripe_peer

exam: $(VENV)/.ready
	$(BIN)/conformance freeze

clean:
	rm -rf $(VENV) build dist

# What a run needs; and on top of it, what the project's own tests and tools need.
$(VENV)/.runs: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.ready: $(VENV)/.runs requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	touch $@

# `make help` lists what there is. Nothing but Python 3.11 or later, git and make has to be installed beforehand.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up
TESTS  := -n 2
MONEY_TESTS := $(addprefix tests/,property/test_minutes.py property/test_rating.py contract/test_ledger_conformance.py integration/test_meter.py \
	integration/test_meter_owners.py integration/billing/test_nasty_scenarios.py)
VSCODE := editor-clients/vscode/test

export CM_DATA_FOLDER ?= data

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check format lint types imports fmt vscode vsix extension yjs screenshots bench soak typing trace migration mutants coverage lock clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## virtual environment with the locked dependencies; at once when nothing changed

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1); 3.11 or later is needed. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 3; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "make: Python's venv module is missing. Try: apt-get install python3-venv" >&2; exit 3; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## serve on 127.0.0.1:8765 with demo people; prints their tokens and what to paste into an editor
	@exec $(BIN)/cm-server run --demo --migrate

demo: setup ## play one real session between two Neovims; WATCH=1 shows both side by side
	@exec $(BIN)/cm-server demo $(if $(WATCH),--watch)

vscode: setup ## a real VS Code and Chromium for the tests, once, outside the tree; needs root where Chromium is missing
	@sh $(VSCODE)/install_vscode.sh
	@sh $(VSCODE)/check.sh

extension: setup ## the VS Code extension: types, lint, unit tests, size; needs `make vscode` once
	@sh $(VSCODE)/check.sh

yjs: ## the locked JavaScript Yjs client that tests hold against the server; needs Node
	@sh tests/yjs_client_js/install.sh

vsix: ## the VS Code extension as a file to install: editor-clients/vscode/dist/codementor.vsix; needs Node 22 or `make vscode`
	@sh $(VSCODE)/package.sh

screenshots: setup ## the pictures in docs/screenshots, from real editors; needs `make vscode` once
	CODEMENTOR_EDITORS=required CODEMENTOR_SCREENSHOTS=docs/screenshots $(BIN)/pytest -m e2e tests/e2e/plain/test_screens.py $(addprefix tests/e2e/vscode/test_,learner.py mentor.py surroundings.py first_steps.py)

test: setup check extension yjs ## everything: format, lint, types, import contracts, all tests (a test that needs a second try is shown as R)
	$(BIN)/pytest $(TESTS) --reruns 1 -m "not e2e"
	$(BIN)/pytest $(TESTS) --reruns 2 -m e2e tests/e2e

check: format lint types imports ## what needs no test run

format: setup
	$(BIN)/ruff format --check --quiet .

lint: setup ## ruff's rules
	$(BIN)/ruff check --quiet .

types: setup ## mypy, strict
	$(BIN)/mypy

imports: setup ## who may import whom
	$(BIN)/lint-imports --no-cache

fmt: setup ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

bench: setup ## ratios against bare reference work on this machine
	$(BIN)/python -m bench

soak: setup ## the random tests for a long while: make soak RUNS=1000000
	CM_SOAK_RUNS=$(or $(RUNS),1000000) $(BIN)/pytest -q -o timeout=0 tests/property tests/integration/billing

typing: setup ## random plans of two people, typed into two real Neovims: make typing PLANS=300
	CODEMENTOR_PLANS=$(or $(PLANS),300) $(BIN)/pytest -q -s tests/e2e/plans

trace: setup ## replay a whole recorded editing history from editor to editor; TRACE=FILE for another one
	$(BIN)/python -m tests.support.trace_replay $(TRACE)

migration: setup ## a new migration from the models: make migration NAME="add ratings"
	$(BIN)/python -m cm_server.migrations "$(NAME)"
	$(BIN)/ruff format --quiet cm_server/migrations

mutants: setup ## seed bugs in the money one at a time; the tests must notice each
	$(BIN)/python -m tests.mutations.money_mutants

coverage: setup ## branch coverage of meter, ledger and rating, which must be 100 %
	$(BIN)/coverage erase
	$(BIN)/coverage run --source=cm_server.meter,cm_server.billing -m pytest -q $(MONEY_TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='cm_server/meter/*,cm_server/billing/ledger*.py,cm_server/billing/allocation.py' --fail-under=100

lock: setup ## resolve the dependencies anew, with hashes; needs uv in the environment
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra server --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra server --constraints requirements/dev.txt pyproject.toml -o requirements/server.txt

clean: ## what was made, but not the data folder
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make` alone lists the commands. Every one of them stands on `make setup`, which does nothing when nothing changed.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# What was compiled is kept: a machine that says otherwise (as images for containers do) has each process compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
STAMPS := .venv/.stamps
UV := VIRTUAL_ENV=$(VENV) UV_NO_PROGRESS=1 $(BIN)/uv
# --inexact: uv lives in the environment that it syncs, and lanes add to it what they need.
SYNC := $(UV) sync --frozen --active --inexact --group dev
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
JOBS ?= 2
MUTATIONS ?= 200
POSTGRES ?= postgresql://postgres@127.0.0.1:5432/laer_ci
PYTEST := $(BIN)/python -m pytest -q
# What failed beside other work is done once more, alone; what fails alone fails.
TWICE := $(BIN)/python -m tests.twice
# Each worker begins with half of the tests and takes from the other when it is done: what a module shares is made once, and none waits.
SPREAD := -n $(JOBS) --dist worksteal
# The files of a lane: to collect the others takes half a minute of each worker.
marked = $(sort $(shell grep -rlE --include='test_*.py' 'mark\.$(1)\b' tests))

DIST := dist
BUNDLE := src/laer/web/static/dist/app.css
# What the bundle is made of; PurgeCSS and the icon sprite read the templates too.
FRONT := $(shell find frontend/src frontend/build.mjs src/laer/web -type f \( -name '*.js' -o -name '*.css' -o -name '*.svg' -o -name '*.mjs' -o -name '*.html' -o -name '*.py' \) -not -path '*/static/*' 2>/dev/null)

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Set-up

.PHONY: setup
setup: $(STAMPS)/python $(BUNDLE) ## .venv (with .venv/bin/laer) and the built front end

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "laer needs Python 3.11 or newer; none of python3, python3.11 … python3.14 is" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(STAMPS)/python: pyproject.toml uv.lock | $(BIN)/uv
	$(SYNC)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/browser: $(STAMPS)/python
	$(SYNC) --group browser
	@touch $@

$(STAMPS)/docs: $(STAMPS)/python
	$(SYNC) --group docs
	@touch $@

$(STAMPS)/engines: $(STAMPS)/python
	$(SYNC) --extra spark
	@touch $@

frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json
	@command -v npm >/dev/null || { echo "laer needs Node 20 or newer with npm to build its front end" >&2; exit 1; }
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUNDLE): frontend/node_modules/.installed $(FRONT)
	cd frontend && npm run --silent build
	@touch $@

## Use

.PHONY: demo
demo: setup ## A generated firm with 24 months of history, one pass, the server on 127.0.0.1:8000, the login printed
	$(BIN)/laer demo

.PHONY: wheel
wheel: setup ## A wheel with the built front end, into dist/: it installs and serves without Node
	@rm -f $(DIST)/laer-*.whl $(DIST)/constraints.txt
	$(UV) build --wheel --quiet --out-dir $(DIST)
	@$(UV) export --frozen --no-dev --no-emit-project --no-hashes --no-header --quiet --output-file $(DIST)/constraints.txt
	@ls $(DIST)/laer-*.whl $(DIST)/constraints.txt

.PHONY: image
image: ## The container image laer:latest, and compose.yaml checked (needs docker)
	docker build --tag laer:latest .
	LAER_HOSTS=localhost POSTGRES_PASSWORD=check docker compose config --quiet

## Work

.PHONY: test
test: setup ## The test suite on the embedded default
	$(PYTEST) $(SPREAD)

.PHONY: check
check: $(STAMPS)/python ## Lint, types, floors
	@status=0; \
	$(BIN)/ruff check --quiet . || status=1; \
	LAER_HOME=$(CURDIR)/.laer/check DATABASE_URL= $(BIN)/mypy --no-error-summary || status=1; \
	$(BIN)/lint-imports --no-logo || status=1; \
	exit $$status

.PHONY: fix
fix: $(STAMPS)/python ## Mend what the linter can mend
	$(BIN)/ruff check --fix .

.PHONY: texts
texts: $(STAMPS)/python ## The English catalogue, from every text in templates and code
	$(BIN)/python -m laer.web.extracting

.PHONY: bench
bench: setup $(STAMPS)/browser ## Benchmarks with ratios, as a table
	$(BIN)/python -m benchmarks

.PHONY: bench-full
bench-full: setup $(STAMPS)/browser ## Benchmarks in their long form
	$(BIN)/python -m benchmarks --full

.PHONY: docs
docs: $(STAMPS)/docs ## The manual, into site/
	$(BIN)/mkdocs build --strict --quiet

.PHONY: reference
reference: $(STAMPS)/python ## docs/reference written from the code: commands, settings, pages
	$(BIN)/python -m tests.docs.reference

## Lanes

.PHONY: test-postgres
test-postgres: setup ## What asks for the database, on PostgreSQL (POSTGRES=postgresql://…/laer_ci, made fresh)
	@$(BIN)/python -c 'import sys, psycopg; \
	from urllib.parse import urlsplit, urlunsplit; \
	url = urlsplit(sys.argv[1]); name = url.path.lstrip("/"); \
	server = psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True); \
	server.execute(f"DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"); \
	server.execute(f"CREATE DATABASE \"{name}\"")' '$(POSTGRES)'
	DATABASE_URL='$(POSTGRES)' $(PYTEST) $(SPREAD) --create-db -m 'not once and not engines and not browser and not faults' tests/web tests/engine tests/cli tests/test_emptied.py

.PHONY: test-engines
test-engines: setup $(STAMPS)/engines ## The same figures on DuckDB and PySpark
	$(PYTEST) -m engines $(call marked,engines)

.PHONY: test-browser
test-browser: setup $(STAMPS)/browser ## The pages in chromium
	$(TWICE) browser -m browser -n $(JOBS) --dist loadfile --no-loadscope-reorder $(call marked,browser)

.PHONY: test-faults
test-faults: setup ## Kills, full disks, lost connections, broken files (MUTATIONS=200 of them)
	LAER_TEST_MUTATIONS=$(MUTATIONS) $(TWICE) faults -m faults -n $(JOBS) --dist loadfile --no-loadscope-reorder $(call marked,faults)

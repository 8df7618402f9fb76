# Two commands that set everything up themselves: `make run` and `make test`.
# PYTHON is any Python from 3.11; the packages go into a virtual environment of the project's own.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# A file's tests stay together, as they share what is slow to make; benchmarks run once, untimed.
PARALLEL ?= -n auto --maxprocesses 8 --dist loadfile --benchmark-disable

.PHONY: run test bench characteristics page picture fingerprints check clean

run: $(VENV)/installed
	$(BIN)/harness run --all $(ARGS)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

# Benchmarks at full size, against peers; they take about half an hour on two cores.
bench: $(VENV)/installed-dev
	HARNESS_BENCH_FULL=1 $(BIN)/python -m pytest tests/benchmarks --benchmark-only -s $(ARGS)

# How often verdicts are right: the table in docs/, which takes a few minutes.
characteristics: $(VENV)/installed
	$(BIN)/python -m harness.checks.operating_characteristics docs

# The charting library of a board's page, and what its tests look for barriers with: fetched by npm, committed.
# The page's own programs are formatted.
page:
	cd leaderboard/page && npm ci --ignore-scripts --no-audit --no-fund && npm run format
	cd leaderboard/page/node_modules && cp uplot/dist/uPlot.iife.min.js uplot/dist/uPlot.min.css ../vendor/
	cp leaderboard/page/node_modules/uplot/LICENSE leaderboard/page/vendor/uPlot.LICENSE
	cp leaderboard/page/node_modules/axe-core/axe.min.js tests/browser/axe.min.js
	cp leaderboard/page/node_modules/axe-core/LICENSE tests/browser/axe.LICENSE
	rm -rf leaderboard/page/node_modules

# The picture in the README, from the newest published board of the suite quick.
picture: $(VENV)/installed
	$(BIN)/harness leaderboard figures quick@newest --only gains --to docs

# What tells that a plugin's code changed under one version; renewed where the version was raised.
fingerprints: $(VENV)/installed-dev
	$(BIN)/python tests/house/fingerprints.py $(ARGS)

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Installed again when the dependencies or the entry points change. `make run` does without the extras, whose models
# the default suite then names as not installed; tests need the extras and their own tools.
DEPENDENCIES := pyproject.toml setup.py constraints.txt
$(VENV)/installed: WHAT := .
$(VENV)/installed-dev: WHAT := .[dev]
$(VENV)/installed $(VENV)/installed-dev: $(DEPENDENCIES)
	@started=$$(date +%s); \
	"$(PYTHON)" -c 'import sys; sys.exit("harness needs Python 3.11 or newer; found " + sys.version.split()[0]) if sys.version_info < (3, 11) else None' && \
	"$(PYTHON)" -m venv $(VENV) && \
	echo "installing into $(VENV) (a minute or two)" && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable '$(WHAT)' && \
	touch $(VENV)/installed $@ && \
	echo "installed in $$(( $$(date +%s) - started )) s"

clean:
	rm -rf $(VENV) .harness build *.egg-info

# make demo     an office at work, for 20 seconds or until Ctrl-C
# make test     the whole test suite
# make check    style, types, floors
# make bench    how fast it is, beside Sidekiq
# make faults   what it survives, the long way
#
# Everything goes into .venv here; no server and no container is needed. The first run
# installs what its target needs, later runs do so only when pyproject.toml or
# constraints.txt has changed. Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
DEMO_SECONDS ?=
# Most of the scenarios wait, so that more of them than there are cores run side by side; and each process keeps to
# modules of its own, whose servers and tables are shared, until it has none left and takes from others.
PYTEST_ARGS ?= -n 6 --dist worksteal
BENCH_ARGS ?=
KILLS ?= 100

VENV := .venv
PY := $(VENV)/bin/python
RECIPE := pyproject.toml constraints.txt src/mainspring/__about__.py

# What `make test` would like to have from Debian: command:package, command:package ...
DEBIAN := redis-server:redis-server chromium:chromium nginx:nginx-light sidekiq:ruby-sidekiq clockwork:ruby-clockwork faketime:faketime pg_ctlcluster:postgresql

ifneq ($(DEMO_SECONDS),)
export DEMO_SECONDS
endif

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench faults screenshots constraints clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

install: $(VENV)/all.stamp ## put everything for development into .venv

demo: $(VENV)/demo.stamp ## run the admissions office (DEMO_SECONDS=n)
	@$(PY) -m examples.admissions

test: $(VENV)/all.stamp ## run the tests (PYTEST_ARGS=...)
	@tools/debian-packages $(DEBIAN)
	@$(PY) -m pytest $(PYTEST_ARGS)

check: $(VENV)/all.stamp ## style, types, floors, changelog
	@tools/check $(VENV)/bin

bench: $(VENV)/all.stamp ## measure throughput, latency, start and memory, beside Sidekiq (BENCH_ARGS=...)
	@tools/debian-packages $(DEBIAN)
	@$(PY) -m benchmarks $(BENCH_ARGS)

faults: export MAINSPRING_LONG := 1
faults: export MAINSPRING_FAULTS := $(CURDIR)/var/faults.json
faults: $(VENV)/all.stamp ## every fault at length, about two hours; writes docs/faults.md (KILLS=n)
	@tools/debian-packages $(DEBIAN)
	@mkdir -p var && rm -f var/faults.json
	@$(PY) -m tests.scenarios.kills --kills $(KILLS)
	@$(PY) -m pytest tests/scenarios tests/machine/test_machine.py tests/schedule/test_zone_table.py -o faulthandler_timeout=0
	@$(PY) tools/faults_table.py --collect var/faults.json

screenshots: $(VENV)/all.stamp ## a picture of every page of the dashboard, in var/screenshots
	@tools/debian-packages $(DEBIAN)
	@$(PY) -m tests.browser.screenshots var/screenshots

constraints: ## write constraints.txt anew from the newest versions
	@tools/constraints $(PYTHON)

clean: ## remove .venv and what tools have left
	rm -rf $(VENV) build dist var .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The demo needs a part of what the tests need, so the larger stamp is worth the smaller one.
$(VENV)/demo.stamp: $(RECIPE)
	@tools/install $(PYTHON) $(VENV) embedded,demo,web
	@touch $@

$(VENV)/all.stamp: $(RECIPE)
	@tools/install $(PYTHON) $(VENV) embedded,encryption,fast,reload,web,demo,dev
	@touch $@ $(VENV)/demo.stamp

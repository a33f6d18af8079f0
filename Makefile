# GNU make 3.81 (macOS) is enough. Everything runs from this folder with .venv's own Python.
#   make run ARGS="--seed 7"      options for the command behind a target
#   WHEELS=dir make test          install without network, from a folder of wheels
#   PYTHON=python3.12 make run    use this interpreter instead of the newest found

PY := .venv/bin/python
INSTALL := sh requirements/install.sh
UV ?= uv
ARGS ?=
SEEDS ?= 10
# Tests of one file share a process: what they cache is made once. WORKERS= is one after another.
WORKERS ?= -n auto --dist loadfile

# The checkout's own packages and asserts are wanted, whatever the caller's shell says.
unexport PYTHONPATH
unexport PYTHONHOME
unexport PYTHONSAFEPATH
unexport PYTHONOPTIMIZE

.PHONY: help run live report test check bench explore mutants scenarios fuzz acceptance golden-update pictures lock clean

help:
	@echo 'make run            the flagship scenario: a real auction settled by PBFT, with faults'
	@echo 'make live           the same, while it happens: the dashboard'
	@echo 'make report         the last run (or ARGS=RUN) as one HTML file with pictures'
	@echo 'make test           the test suite'
	@echo 'make check          format, lint, types, import layers and tests: what CI runs'
	@echo 'make bench          what a decision or a seed costs, beside an empty heap loop'
	@echo 'make explore        a thousand seeds of drawn faults, all checks on'
	@echo 'make mutants        planted bugs: does exploring find them?'
	@echo 'make scenarios      every shipped scenario under 10 seeds (SEEDS=50), as a table; resumable'
	@echo 'make fuzz           ten minutes of hostile bytes, guided by coverage (installs atheris)'
	@echo 'make acceptance     full figures, resumable: AREA=foundation, explore, pbft, ledger, harness or scenarios'
	@echo 'make golden-update  write transcripts and page tables anew (then review the diff)'
	@echo 'make pictures       the pages'"'"' pictures, from real runs in a real browser and terminal'
	@echo 'make lock           resolve requirements/*.lock anew (needs uv)'
	@echo 'make clean          remove .venv and caches (runs/ stays)'
	@echo ''
	@echo 'Anything else:      .venv/bin/python -m chainsim --help'

run:
	@$(INSTALL) run
	@$(PY) -m chainsim run sovereign-day $(ARGS)

live:
	@$(INSTALL) run
	@$(PY) -m chainsim run sovereign-day --live $(ARGS)

report:
	@$(INSTALL) report
	@$(PY) -m chainsim report $(or $(ARGS),@last)

test:
	@$(INSTALL) test
	@$(PY) -m pytest $(WORKERS) $(ARGS)

check:
	@$(INSTALL) dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) .venv/bin/lint-imports --no-logo
	$(PY) -m pytest $(WORKERS) $(ARGS)

mutants:
	@$(INSTALL) run
	@$(PY) -m chainsim mutants $(ARGS)

explore:
	@$(INSTALL) run
	@$(PY) -m chainsim explore explore-base $(ARGS)

scenarios:
	@$(INSTALL) test
	@$(PY) -m tests.acceptance.scenarios --seeds $(SEEDS) $(ARGS)

fuzz:
	@$(INSTALL) test
	@$(PY) -m pip install --quiet "atheris >=2.3"
	@$(PY) -m tests.fuzz $(ARGS)

acceptance:
	@$(INSTALL) test
	@$(PY) -m tests.acceptance $(AREA) $(ARGS)

bench:
	@$(INSTALL) run
	@$(PY) -m chainsim bench $(ARGS)

# Needs Chromium (Debian's package of that name).
pictures:
	@$(INSTALL) dev
	$(PY) -m tests.browser.pictures
	$(PY) -m tests.live.pictures

golden-update:
	@$(INSTALL) test
	@$(PY) -m pytest -q tests/golden tests/docs --golden-update $(ARGS)

# Universal: one file for every platform and Python from 3.11 up, with hashes. Each smaller set is
# held to the versions of the largest, so that they can be installed over one another.
LOCK := $(UV) pip compile --universal --generate-hashes --python-version 3.11 --quiet \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links setup.cfg

lock:
	$(LOCK) --upgrade --extra report --extra test --extra browser-test --extra dev -o requirements/dev.lock
	$(LOCK) --extra report --extra test -c requirements/dev.lock -o requirements/test.lock
	$(LOCK) --extra report -c requirements/dev.lock -o requirements/report.lock
	$(LOCK) -c requirements/dev.lock -o requirements/run.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	rm -rf chainsim.egg-info
	find consensus nodes scenarios chainsim tests -name __pycache__ -type d -prune -exec rm -rf {} +

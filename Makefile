# foule: everything that is run by hand or by the CI. Needs python3 (3.11 or later) and nothing else;
# the environment .venv is made on the first use, and again when pyproject.toml or constraints.txt change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_SECONDS ?=
PYTEST_ARGS ?=
TESTS_AT_ONCE ?= 2
BENCH_ARGS ?=
SCHEDULES ?= 2000
SEED ?= 0
FAULTS ?= 50
EVENTS ?= 3000000
WORKERS ?= 3
CHAOS_ARGS ?=
ATTACK_ARGS ?=

# what decides what is installed: a newer one makes the stamps below out of date
DEFS := pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format simulation bench bench-recovery bench-scaling bench-backlog bench-privacy bench-indicators bench-country bench-zone-size bench-accuracy chaos attack lock clean

help:
	@echo 'make demo                  a festival in the terminal: broker, Redis, worker and crowd; Ctrl-C stops all'
	@echo 'make demo DEMO_SECONDS=90  the same without a terminal; ends by itself and checks its numbers'
	@echo 'make test                  every test; on real Kafka and Redis where java, mvn and redis-server are'
	@echo 'make check                 format, lint, types, import rules'
	@echo 'make format                format the code and sort its imports'
	@echo 'make bench                 throughput beside plain Faust and aiokafka; needs java and mvn'
	@echo 'make bench-recovery        a killed shard of a million devices: seconds to its first event, cost of checkpoints'
	@echo 'make bench-scaling         cost of an event with 1, 2, 4 workers and 4, 16, 64 partitions'
	@echo 'make bench-backlog         ten million events of a day: flat memory, every number as the oracle has it'
	@echo 'make bench-privacy         cost of record keys and of sealing on an event, beside the same path without'
	@echo 'make bench-country         35,000 zones, 100,000 devices, every indicator: seconds to load the zones, to release the day'
	@echo 'make bench-indicators      cost of all indicators on an event, beside presence and flows only; memory per device'
	@echo 'make bench-zone-size       how often the zone of the cell is that of the phone, by size; BENCH_ARGS=samples.csv'
	@echo 'make bench-accuracy        numbers of a simulated festival against its truth, and intervals that hold; 4 minutes'
	@echo 'make simulation            2,000 simulated schedules of crashes, pauses and takeovers; SCHEDULES=..., SEED=...'
	@echo 'make chaos FAULTS=50       kills and restarts everything while events flow, then checks every number'
	@echo '                           SEED=0 EVENTS=3000000 WORKERS=3; needs java, mvn and redis-server'
	@echo 'make attack                tries to break the privacy rules, without and with the protection; some 10 minutes'
	@echo '                           ATTACK_ARGS="--only 5 --small"'
	@echo 'make lock                  newest versions into constraints.txt'
	@echo 'make clean                 remove the environment and every cache'

demo: $(VENV)/.demo
	$(BIN)/foule demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses $(TESTS_AT_ONCE) --dist loadfile $(PYTEST_ARGS)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_imports.py

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

simulation: $(VENV)/.test
	$(BIN)/python -m tests.simulation --schedules $(SCHEDULES) --seed $(SEED)

bench: $(VENV)/.bench
	$(BIN)/python -m bench $(BENCH_ARGS)

bench-recovery bench-scaling bench-backlog bench-privacy bench-indicators bench-accuracy: bench-%: $(VENV)/.bench
	$(BIN)/python -m bench.$* $(BENCH_ARGS)

bench-country: $(VENV)/.bench
	$(BIN)/python -m bench.large_country $(BENCH_ARGS)

bench-zone-size: $(VENV)/.bench
	$(BIN)/python -m bench.zone_size $(BENCH_ARGS)

chaos: $(VENV)/.test
	$(BIN)/python -m tests.chaos --faults $(FAULTS) --seed $(SEED) --events $(EVENTS) --workers $(WORKERS) $(CHAOS_ARGS)

attack: $(VENV)/.test
	$(BIN)/python -m tests.privacy $(ATTACK_ARGS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'foule needs Python 3.11 or later; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo 'this Python cannot make environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@echo 'making the environment $(VENV) ...'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# .test holds all that .demo does, so that neither is installed again after it
$(VENV)/.demo: $(DEFS) | $(BIN)/python
	@echo 'installing foule and its demo ...'
	@$(PIP) install --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.test: $(DEFS) | $(BIN)/python
	@echo 'installing foule and its tests ...'
	@$(PIP) install --constraint constraints.txt --editable '.[demo,test,bench]'
	@touch $(VENV)/.demo $(VENV)/.bench $@

$(VENV)/.bench: $(DEFS) | $(BIN)/python
	@echo 'installing foule and its bench ...'
	@$(PIP) install --constraint constraints.txt --editable '.[demo,bench]'
	@touch $(VENV)/.demo $@

# in an environment of its own, so that nothing installed by hand gets in
lock:
	@set -eu; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder/venv"; \
	"$$folder/venv/bin/python" -m pip --disable-pip-version-check --quiet install '.[demo,test,bench]'; \
	{ echo '# Every package of foule and its extras at the version that is tested; make lock writes this file.'; \
	  "$$folder/venv/bin/python" -m pip --disable-pip-version-check freeze --exclude foule; } > "$$folder/lock"; \
	cp "$$folder/lock" constraints.txt
	@echo "constraints.txt: $$(grep -c == constraints.txt) packages"

clean:
	rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

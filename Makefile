# make run    the service on KV_PORT, with a Tarantool of its own
# make cluster   the service on KV_PORT, with three Tarantools that elect their leader;
#             requires Tarantool 3 on the PATH or as TARANTOOL=path
# make test   the tests, in JOBS processes; ARGS go to pytest. TARANTOOL=path uses that
#             program instead of a container or the one on the PATH
# make test-transfer   an export under load and its import in each mode, of KEYS keys
# make test-fast   the tests that need no instance: tests/unit and tests/lua
# make torture SECONDS=n SEED=n   faults under load, for SECONDS; the record is in var/.
#             CLUSTER=3 does it to three nodes, which requires Tarantool 3 (TARANTOOL=path)
# make lint   ruff, mypy, import-linter, bandit, luacheck, the layers of the Lua modules,
#             tsc and eslint for the console
# make audit  known vulnerabilities of the dependencies; ARGS go to pip-audit
# make bench KEYS=n   the service next to a bare aiohttp handler, webdis over Redis, and etcd,
#             those that are installed, in stores of n keys; ARGS go to it, see ARGS=--help
#             TARANTOOL=path, also for the others below, uses that program
# make bench-logins   the latency of reads during a flood of logins; ARGS go to it
# make bench-large   memory and stalls of the largest batches; ARGS go to it
# make bench-lists   the time of a page of a list, in areas of a million keys; ARGS go to it
# make bench-durability   the cost of a read's wait for a pending write; ARGS go to it
# make bench-workers   how much more two workers serve than one; ARGS go to it
# make bench-transfer   exports and imports next to backups, and their memory; ARGS go to it
# make bench-cluster TARANTOOL=path   three nodes next to one instance, of this Tarantool 3,
#             and the time of failovers; ARGS go to it
# make bench-trees BASE=folder   CPU time per request, of this source tree and another one;
#             ARGS go to it
# make bench-waits   where the time of a write goes, with 32, 64 and 256 connections
# make bench-instructions   instructions per call, and the difference to the last release;
#             ARGS=--save stores them
# make backup TO=folder     of what runs with its data in KV_DATA_DIR
# make verify FROM=folder   against what runs there
# make restore FROM=folder  into KV_DATA_DIR, which has to be empty
# make backup-compose, verify-compose, restore-compose: the same of the compose project
# make fuzz     the fuzzer, SECONDS per target; adds new inputs to the corpus
# make malformed  REQUESTS malformed requests, to a service of its own
# make screenshots   of the web console's views, for docs/console.md; ARGS go to it
# make help   shows these lines
PYTHON ?= python3
ARGS ?=
TO ?= backup/$(shell date -u +%Y%m%dT%H%M%SZ)
# Paths reach a recipe as variables of its shell: in its text some characters would count.
export TO FROM BASE
DATA = "$${KV_DATA_DIR:-./var}"
SECONDS ?= 60
REQUESTS ?= 100000
KEYS ?= 100000
# One more than there are cores: many tests wait.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq
INSTALL = $(APT) update && $(APT) install -y --no-install-recommends

.PHONY: help run cluster test test-transfer test-fast torture lint audit tarantool luacheck libfaketime wrk valgrind
.PHONY: bench bench-logins bench-large bench-lists bench-durability bench-workers bench-transfer bench-cluster
.PHONY: bench-trees bench-waits bench-instructions
.PHONY: screenshots
.PHONY: backup verify restore backup-compose verify-compose restore-compose

run: .venv/run tarantool
	@exec .venv/bin/python -m service

help:
	@sed -n '/^#/!q; s/^# //p' $(firstword $(MAKEFILE_LIST))

# The service and the tests call it `tarantool`.
PROGRAMS = $(CURDIR)/var/programs
WITH_TARANTOOL = $(if $(TARANTOOL),mkdir -p "$(PROGRAMS)" && \
	ln -sfn "$(realpath $(TARANTOOL))" "$(PROGRAMS)/tarantool" && \
	export PATH="$(PROGRAMS):$$PATH" TARANTOOL &&)

cluster: .venv/run
	@$(WITH_TARANTOOL) exec .venv/bin/python -m service.process.local_cluster $(ARGS)

test: .venv/dev node_modules/.stamp $(if $(TARANTOOL),,tarantool) libfaketime wrk valgrind
	@$(WITH_TARANTOOL) exec .venv/bin/python -m pytest -n $(JOBS) $(ARGS)

test-transfer: .venv/dev $(if $(TARANTOOL),,tarantool)
	@$(WITH_TARANTOOL) KV_TRANSFER_KEYS=$(KEYS) exec .venv/bin/python -m pytest $(ARGS) \
		tests/api/test_transfer_in_motion.py

test-fast: .venv/dev node_modules/.stamp $(if $(TARANTOOL),,tarantool)
	@$(WITH_TARANTOOL) exec .venv/bin/python -m pytest $(ARGS) tests/unit tests/lua

torture: .venv/dev $(if $(TARANTOOL),,tarantool) libfaketime
	@$(WITH_TARANTOOL) exec .venv/bin/python -m tests.torture \
		$(if $(CLUSTER),--nodes $(CLUSTER)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

lint: .venv/dev node_modules/.stamp luacheck
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	.venv/bin/bandit -q -c pyproject.toml -r service
	luacheck -q lua migrations benchmarks/scenarios
	.venv/bin/python .ci/lua_layers.py
	$(WITH_NODE) node_modules/.bin/tsc
	$(WITH_NODE) node_modules/.bin/eslint --max-warnings 0 .

audit: .venv/dev
	.venv/bin/python .ci/audit.py $(ARGS)

bench: .venv/dev $(if $(TARANTOOL),,tarantool) wrk
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks compare --keys $(KEYS) $(ARGS)

bench-logins: .venv/dev $(if $(TARANTOOL),,tarantool)
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks logins $(ARGS)

bench-large: .venv/dev $(if $(TARANTOOL),,tarantool)
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks large $(ARGS)

bench-lists: .venv/dev $(if $(TARANTOOL),,tarantool)
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks lists $(ARGS)

bench-durability: .venv/dev $(if $(TARANTOOL),,tarantool)
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks durability $(ARGS)

bench-workers: .venv/dev $(if $(TARANTOOL),,tarantool) wrk
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks workers $(ARGS)

bench-transfer: .venv/dev $(if $(TARANTOOL),,tarantool)
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks transfer $(ARGS)

bench-cluster: .venv/dev wrk
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks cluster $(ARGS)

bench-trees: .venv/dev $(if $(TARANTOOL),,tarantool) wrk
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks compare-trees --base "$$BASE" $(ARGS)

bench-waits: .venv/dev tarantool wrk
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks waits $(ARGS)

bench-instructions: .venv/dev tarantool valgrind
	@$(WITH_TARANTOOL) exec .venv/bin/python -m benchmarks instructions $(ARGS)

screenshots: .venv/dev tarantool
	@.venv/bin/python -m tests.console.screenshots $(ARGS)

backup: tarantool
	@tarantool lua/kv/backup/main.lua backup $(DATA)/console.sock "$$TO"

verify: tarantool from
	@tarantool lua/kv/backup/main.lua verify $(DATA)/console.sock "$$FROM"

restore: tarantool from
	@tarantool lua/kv/backup/main.lua restore "$$FROM" $(DATA)

backup-compose:
	@docker/backup.sh backup "$$TO"

verify-compose restore-compose: %-compose: from
	@docker/backup.sh $* "$$FROM"

.PHONY: from
from:
	@test -n "$$FROM" || { echo "expected FROM=folder, the folder of a backup" >&2; exit 1; }

.PHONY: fuzz malformed
fuzz: .venv/dev
	@for target in body lines token; do \
		new=var/fuzz/$$target kept=tests/fuzz/corpus/$$target; \
		mkdir -p $$new; \
		.venv/bin/python -m tests.fuzz $$target -max_total_time=$(SECONDS) \
			-dict=tests/fuzz/dictionaries/$$target.dict \
			-artifact_prefix=$$new-fault- -print_final_stats=1 $$new $$kept && \
		.venv/bin/python -m tests.fuzz $$target -merge=1 $$kept $$new || exit 1; \
	done

malformed: .venv/dev tarantool
	@.venv/bin/python -m tests.malformed $(REQUESTS)

.venv/run: requirements.txt | .venv/bin/python
	.venv/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	.venv/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

# Development tools of the console's JavaScript. Node.js is a package of requirements-dev.txt.
WITH_NODE = PATH="$(CURDIR)/.venv/bin:$$PATH"

node_modules/.stamp: package-lock.json package.json .npmrc | .venv/dev
	$(WITH_NODE) npm ci --loglevel=error
	@touch $@

# Debian and Ubuntu ship venv's pip as a package of its own.
.venv/bin/python:
	@case "$$(pwd)" in *:*) \
		echo "the path of the checkout contains a colon, which venv refuses: $$(pwd)" >&2; exit 1;; esac
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or \
		sys.exit("expected Python 3.11 or newer: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv .venv >/dev/null || { $(INSTALL) python3-venv && $(PYTHON) -m venv --clear .venv; }

tarantool luacheck wrk valgrind:
	@command -v $@ >/dev/null || { $(INSTALL) $(PACKAGE_$@) && command -v $@ >/dev/null; } || { \
		echo "$@ is missing and could not be installed: $(HELP_$@)" >&2; exit 1; }

# A library, for the tests that set an instance's clock.
libfaketime:
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || { $(INSTALL) $@; } || { \
		echo "$@ is missing and could not be installed: see https://github.com/wolfcw/libfaketime" >&2; exit 1; }

PACKAGE_tarantool = tarantool
PACKAGE_luacheck = lua-check
PACKAGE_wrk = wrk
PACKAGE_valgrind = valgrind
HELP_tarantool = see https://www.tarantool.io/en/download/
HELP_luacheck = see https://github.com/lunarmodules/luacheck
HELP_wrk = see https://github.com/wg/wrk
HELP_valgrind = see https://valgrind.org

# make run    the service on KV_PORT, with a Tarantool of its own
# make test   the tests; ARGS go to pytest
# make lint   ruff, mypy, luacheck
PYTHON ?= python3
ARGS ?=

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq
INSTALL = $(APT) update && $(APT) install -y --no-install-recommends

.PHONY: run test lint tarantool luacheck

run: .venv/run tarantool
	@exec .venv/bin/python -m service

test: .venv/dev tarantool
	@exec .venv/bin/python -m pytest $(ARGS)

lint: .venv/dev luacheck
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	luacheck -q lua migrations

.venv/run: requirements.txt | .venv/bin/python
	.venv/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	.venv/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

# Debian and Ubuntu ship venv's pip as a package of its own.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or \
		sys.exit("Python 3.11 or newer is wanted: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv .venv >/dev/null || { $(INSTALL) python3-venv && $(PYTHON) -m venv --clear .venv; }

tarantool luacheck:
	@command -v $@ >/dev/null || { $(INSTALL) $(PACKAGE_$@) && command -v $@ >/dev/null; } || { \
		echo "$@ is missing and could not be installed: $(HELP_$@)" >&2; exit 1; }

PACKAGE_tarantool = tarantool
PACKAGE_luacheck = lua-check
HELP_tarantool = see https://www.tarantool.io/en/download/
HELP_luacheck = see https://github.com/lunarmodules/luacheck

# Everything here works from a bare clone with Python 3.11 to 3.14, make and git.
PYTHON ?= python3
PORT ?= 8400
WORKERS ?= $(shell expr 2 \* $$(nproc))
PYTEST_ARGS ?=
AT ?= +31d
FAST = tests/kernel tests/networks tests/outside tests/db $(wildcard tests/*/rules tests/*/test_rules.py tests/*/store tests/*/gateways) tests/repo packages/recoup-languages/tests tests/docs/test_pages.py tests/docs/test_generated.py

TSC = clients/typescript/node_modules/.package-lock.json

# A run starts Recoup some hundred times: compiled modules are kept, whatever the machine is told.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: audit freeze release run client check test test-at prove pictures lint linters ruff mypy imports cases setup setup-dev lock clean anvil barman contracts

setup:
	@$(PYTHON) scripts/setup.py run

setup-dev:
	@$(PYTHON) scripts/setup.py dev
	@test -e clients/typescript/src/rescue-calls.ts || .venv/bin/python scripts/make_client.py

run: setup
	@exec .venv/bin/recoup up --demo --port $(PORT)

# The generated halves of clients/python and clients/typescript; the latter compiled where npm is.
client: setup
	@.venv/bin/python scripts/make_client.py
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(TSC) && cd clients/typescript && node_modules/.bin/tsc; \
		else echo "clients/typescript was not compiled: that needs npm" >&2; fi

lint: setup-dev
	@$(MAKE) --no-print-directory -j 3 --output-sync linters

linters: ruff mypy imports

ruff:
	.venv/bin/ruff check
	.venv/bin/ruff format --check --quiet

mypy:
	.venv/bin/mypy

imports:
	.venv/bin/lint-imports
	.venv/bin/deptry src

# What a change wants many times a day: everything without a browser, a server or a wait.
check: lint
	@exec .venv/bin/python -m pytest -n $(WORKERS) --dist worksteal -q $(FAST) $(PYTEST_ARGS)

test: setup-dev anvil $(TSC)
	@.venv/bin/python scripts/need.py chromium curl openssl ssh-keygen systemd-analyze
	@$(MAKE) --no-print-directory -j 4 linters cases

cases:
	@exec .venv/bin/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# Every test at another hour, the database's clock included: make test-at AT=+40d
test-at: setup-dev
	@.venv/bin/python scripts/need.py faketime
	@exec faketime -f "$(AT)" $(MAKE) --no-print-directory test

# The deeper proofs: all families one after another, or one: make prove FAMILY=kills. Of Pythons, all that the machine
# has, or some: make prove FAMILY=pythons PYTHONS="3.12 3.13"
prove: setup-dev anvil barman $(TSC)
	@.venv/bin/python scripts/need.py chromium curl file gpg openssl rsync
	@exec .venv/bin/python scripts/prove.py $(FAMILY)

# The EVM node that the tests of chains run against, from npm.
ANVIL = .anvil/node_modules/.package-lock.json
anvil: $(ANVIL)

$(ANVIL): requirements/anvil/package-lock.json
	@$(PYTHON) scripts/need.py npm
	@mkdir -p .anvil && cp requirements/anvil/package.json requirements/anvil/package-lock.json .anvil
	@cd .anvil && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || { echo "the tests need anvil, and npm could not install it" >&2; exit 1; }
	@touch $@

# The compiler of clients/typescript, from npm.
$(TSC): clients/typescript/package-lock.json
	@$(PYTHON) scripts/need.py npm
	@cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || { echo "the TypeScript client needs tsc, and npm could not install it" >&2; exit 1; }
	@touch $@

# Barman, by which an operator copies the embedded database, for the proofs of that.
BARMAN = .barman/bin/barman
barman: $(BARMAN)

$(BARMAN): requirements/barman.txt | setup-dev
	@$(PYTHON) -m venv --without-pip --clear .barman
	@.venv/bin/python -m pip --python .barman/bin/python install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/barman.txt
	@touch $@

# The deposit contract, compiled for both kinds of machine into src/recoup/chains/artifacts. Needs node and npm.
contracts:
	@$(PYTHON) scripts/need.py npm
	@$(PYTHON) contracts/build.py

# The pictures in docs/images, by a throw-away Recoup with its demo.
pictures: setup-dev
	@.venv/bin/python scripts/need.py chromium
	@exec .venv/bin/python scripts/make_pictures.py

# The schema of this release, kept for good; before its tag.
freeze: setup-dev
	@.venv/bin/python scripts/freeze.py
	@test -e tests/upgrade/0.1.0 || .venv/bin/python -m tests.upgrade.small_world tests/upgrade/0.1.0

# The files of a release in dist/, of the commit: make release KEY=~/.ssh/id_ed25519
release: .release/made
	@.release/bin/python scripts/release.py $(KEY)

# Known vulnerabilities of what Recoup runs with.
audit: .release/made
	@.release/bin/python scripts/audit.py $(AUDIT_ARGS)

.release/made: requirements/release.txt
	@$(PYTHON) -m venv --clear .release
	@.release/bin/pip install --disable-pip-version-check --quiet --require-hashes -r $<
	@touch $@

# Needs uv. Only for whoever changes requirements/*.in.
lock:
	cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --quiet -o run.txt run.in packages.in
	cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --quiet -c run.txt -o dev.txt dev.in
	cd requirements && for name in build release; do uv pip compile --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --quiet -c run.txt -o $$name.txt $$name.in || exit 1; done
	cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --quiet --no-deps -o barman.txt barman.in

clean:
	rm -rf clients/typescript/node_modules clients/typescript/dist .anvil .barman .pythons .release contracts/node_modules contracts/out .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

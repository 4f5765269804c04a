# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make demo         run a runbook against the sandbox in check mode, for real, and again; sets up what it needs
# make demo-events  close an incident from an event: the sandbox, its webhook and a rulebook; sets up what it needs
# make test         run every check and test; sets up what it needs
# make unit         run the unit tests
# make campaign     run random operations against a hostile server (SEEDS=10000 for more, SEED=1234 to repeat one)
# make docs         build the documentation site in .cache/docs/html
# make matrix       run all tests on every supported ansible-core (CORES="2.16 2.21" for some)
# make benchmark    measure the cost of many incidents, and write docs/benchmark.md (16 minutes)
# make format       format the code
# make clean        remove everything that make has created in this directory

PYTHON ?= python3
CORES ?=
SEEDS ?= 300
SEED ?=
BEHAVIOUR ?=
STORY ?=
MUTATION ?=

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Values of the machine's user must not reach a test or the demo.
unexport CONTRAFORCE_URL CONTRAFORCE_CLIENT_ID CONTRAFORCE_CLIENT_SECRET CONTRAFORCE_ACCESS_TOKEN CONTRAFORCE_PROXY
unexport TICKETING_URL TICKETING_TENANT_ID TICKETING_REALM TICKETING_ACCESS_TOKEN TICKETING_TOKEN_URL TICKETING_CLIENT_ID
unexport CONTRAFORCE_WEBHOOK_SECRET CONTRAFORCE_WEBHOOK_FORMER_SECRET CONTRAFORCE_WEBHOOK_PASSWORD
unexport SERVICENOW_URL SERVICENOW_USERNAME SERVICENOW_PASSWORD SERVICENOW_CLIENT_ID SERVICENOW_CLIENT_SECRET
unexport SERVICENOW_TOKEN_URL SERVICENOW_ACCESS_TOKEN SERVICENOW_API_KEY SERVICENOW_PROXY
unexport JIRA_URL JIRA_USERNAME JIRA_PASSWORD JIRA_TOKEN JIRA_VALIDATE_CERTS
unexport TICKETING_CLIENT_SECRET TICKETING_SCOPE TICKETING_API_KEY TICKETING_PROXY SECOPS_ITSM_IN_PROCESS
export RUFF_CACHE_DIR = $(CACHE)/ruff

ROOT := $(CURDIR)
BIN := $(ROOT)/.venv/bin
CACHE := $(ROOT)/.cache
STAGE := $(CACHE)/ansible_collections/secops/itsm
# The collection as users have it: installed from the tarball.
INSTALLED := $(CACHE)/installed
# The module of community.general that an example of the documentation uses.
COMMUNITY := $(CACHE)/community
export SECOPS_ITSM_COMMUNITY = $(COMMUNITY)
REQUIREMENTS := tests/requirements
IN_STAGE := cd "$(STAGE)" && PATH="$(BIN):$(PATH)" PYTHONPATH="$(CACHE)"

SANITY = $(IN_STAGE) "$(BIN)/python" tests/tools/quietly.py "$(BIN)/ansible-test" sanity --color no --python "$(VERSION)"
# The Python of the virtual environment, such as 3.11.
VERSION = $$("$(BIN)/python" -c "import sys; print('%d.%d' % sys.version_info[:2])")

.PHONY: demo demo-events test checks unit campaign docs matrix benchmark format clean stage lint types functional integration bootstrap sanity pylint tarball package
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile

.venv/runtime.stamp: $(REQUIREMENTS)/runtime.txt $(REQUIREMENTS)/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "== setting up: Ansible, the sandbox"
	@$(PYTHON) -m venv .venv
	@"$(BIN)/python" -m pip install -qq -r $(REQUIREMENTS)/runtime.txt -c $(REQUIREMENTS)/constraints.txt
	@touch $@

.venv/events.stamp: .venv/runtime.stamp $(REQUIREMENTS)/events.txt
	@echo "== setting up: the rulebooks"
	@"$(BIN)/python" -m pip install -qq -r $(REQUIREMENTS)/events.txt -c $(REQUIREMENTS)/constraints.txt
	@touch $@

.venv/tests.stamp: .venv/events.stamp $(REQUIREMENTS)/tests.txt
	@echo "== setting up: the tests"
	@"$(BIN)/python" -m pip install -qq -r $(REQUIREMENTS)/tests.txt -c $(REQUIREMENTS)/constraints.txt
	@touch $@

.venv/tools.stamp: .venv/tests.stamp $(REQUIREMENTS)/tools.txt
	@echo "== setting up: the checks"
	@"$(BIN)/python" -m pip install -qq -r $(REQUIREMENTS)/tools.txt -c $(REQUIREMENTS)/constraints.txt
	@touch $@

.venv/docs.stamp: .venv/tools.stamp $(REQUIREMENTS)/docs.txt
	@echo "== setting up: the documentation"
	@"$(BIN)/python" -m pip install -qq -r $(REQUIREMENTS)/docs.txt -c $(REQUIREMENTS)/constraints.txt
	@touch $@

.venv/benchmark.stamp: .venv/runtime.stamp $(REQUIREMENTS)/benchmark.txt
	@echo "== setting up: the benchmark"
	@"$(BIN)/python" -m pip install -qq -r $(REQUIREMENTS)/benchmark.txt -c $(REQUIREMENTS)/constraints.txt
	@touch $@

stage: .venv/runtime.stamp
	@"$(BIN)/python" tests/tools/stage.py > /dev/null

demo: stage
	@$(IN_STAGE) "$(BIN)/python" tests/tools/demo.py

demo-events: .venv/events.stamp stage
	@$(IN_STAGE) "$(BIN)/python" tests/tools/demo_events.py

unit: .venv/tests.stamp stage
	@echo "== unit tests"
	@$(IN_STAGE) "$(BIN)/python" -m pytest -q -n 2 tests/unit

campaign: stage
	@echo "== campaign: random runs of the operations against a hostile server"
	@$(IN_STAGE) "$(BIN)/python" -m ansible_collections.secops.itsm.tests.campaign --output "$(CACHE)/campaign" \
		$(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(if $(BEHAVIOUR),--behaviour $(BEHAVIOUR)) \
		$(if $(STORY),--story $(STORY)) $(if $(MUTATION),--mutation $(MUTATION))

# Each of the checks keeps one core busy, so two of them run at a time; their output comes when they end.
test: stage
	@$(MAKE) --no-print-directory -j 2 --output-sync=target checks
	@$(MAKE) --no-print-directory functional integration
	@echo "== every check and test passed"

checks: lint docs types unit campaign sanity pylint package

lint: .venv/tools.stamp stage
	@echo "== lint: ruff, yamllint, ansible-lint, licences, changelog, contracts, documentation"
	@"$(BIN)/ruff" check --quiet .
	@"$(BIN)/ruff" format --quiet --check .
	@"$(BIN)/yamllint" --strict .
	@"$(BIN)/reuse" lint --quiet || "$(BIN)/reuse" lint --lines
	@"$(BIN)/openapi-spec-validator" docs/contracts/*.openapi.yaml
	@$(IN_STAGE) ANSIBLE_COLLECTIONS_PATH="$(CACHE)" "$(BIN)/ansible-lint" --offline --strict -q
	@$(IN_STAGE) "$(BIN)/antsibull-changelog" lint
	@$(IN_STAGE) ANSIBLE_COLLECTIONS_PATH="$(CACHE)" "$(BIN)/antsibull-docs" lint-collection-docs --plugin-docs \
		--validate-collection-refs all --check-extra-docs-refs .

docs: .venv/docs.stamp stage
	@echo "== documentation: the site, in .cache/docs/html"
	@$(IN_STAGE) "$(BIN)/python" tests/tools/docsite.py --output "$(CACHE)/docs"

types: .venv/tools.stamp stage
	@echo "== types: mypy"
	@MYPYPATH="$(CACHE)" "$(BIN)/mypy" --cache-dir .cache/mypy -p ansible_collections.secops.itsm.plugins \
		-p ansible_collections.secops.itsm.extensions \
		-p ansible_collections.secops.itsm.tests.sandbox -p ansible_collections.secops.itsm.tests.tools \
		-p ansible_collections.secops.itsm.tests.benchmark -p ansible_collections.secops.itsm.tests.campaign

$(COMMUNITY)/ansible_collections/community/general/MANIFEST.json: $(REQUIREMENTS)/community.txt | .venv/runtime.stamp
	@echo "== setting up: the module jira of community.general"
	@"$(BIN)/python" tests/tools/community_general.py "$(COMMUNITY)"
	@touch "$@"

functional: .venv/tests.stamp $(COMMUNITY)/ansible_collections/community/general/MANIFEST.json tarball
	@echo "== functional tests: the collection as installed from its tarball, through ansible-playbook"
	@rm -rf "$(INSTALLED)"
	@"$(BIN)/ansible-galaxy" collection install --force -p "$(INSTALLED)" "$(CACHE)"/build/secops-itsm-*.tar.gz > /dev/null
	@cd "$(INSTALLED)/ansible_collections/secops/itsm" && PATH="$(BIN):$(PATH)" PYTHONPATH="$(INSTALLED)" \
		SECOPS_ITSM_TARBALL=$$(echo "$(CACHE)"/build/secops-itsm-*.tar.gz) "$(BIN)/python" -m pytest -q -n 3 --dist worksteal tests/functional

integration: .venv/tests.stamp stage
	@echo "== integration tests: ansible-test against the sandbox"
	@$(IN_STAGE) "$(BIN)/python" tests/tools/quietly.py "$(BIN)/python" tests/tools/integration.py --color no

# The script that ansible-test installs pip with. It is the only file in HOME that sanity and pylint share, and they run in
# parallel.
bootstrap: .venv/runtime.stamp
	@"$(BIN)/python" tests/tools/bootstrap_pip.py

# With one Python, and pylint for what is shipped; make matrix does it with all Pythons, and for the tests, too.
sanity: .venv/tests.stamp bootstrap stage
	@echo "== ansible-test sanity"
	@$(SANITY) --skip-test pylint

pylint: .venv/tests.stamp bootstrap stage
	@echo "== ansible-test sanity: pylint"
	@$(SANITY) --test pylint plugins/ extensions/

tarball: stage
	@rm -rf "$(CACHE)/build"
	@$(IN_STAGE) "$(BIN)/ansible-galaxy" collection build --force --output-path "$(CACHE)/build" > /dev/null

package: .venv/tools.stamp tarball
	@echo "== package: build the tarball and import it as Galaxy does"
	@cd "$(CACHE)/build" && PATH="$(BIN):$(PATH)" GALAXY_IMPORTER_CONFIG="$(ROOT)/tests/tools/galaxy-importer.cfg" \
		"$(BIN)/python" "$(ROOT)/tests/tools/quietly.py" "$(BIN)/python" -m galaxy_importer.main secops-itsm-*.tar.gz

matrix: stage $(COMMUNITY)/ansible_collections/community/general/MANIFEST.json
	@"$(BIN)/python" tests/tools/matrix.py $(CORES)

benchmark: .venv/benchmark.stamp stage
	@$(IN_STAGE) "$(BIN)/python" -m ansible_collections.secops.itsm.tests.benchmark --output "$(ROOT)/docs"

format: .venv/tools.stamp
	@"$(BIN)/ruff" check --fix .
	@"$(BIN)/ruff" format .

clean:
	@rm -rf .venv .cache

#!/bin/sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the runbook on the sandbox, first with --check --diff, then without. Needs no credentials and does not connect to the real
# services. The sandbox is created from the seed and from the incidents in the variables.
set -eu
. ./scripts/settings.sh

rm -f sandbox.env
PYTHONPATH=$ANSIBLE_COLLECTIONS_PATH python3 -m ansible_collections.secops.itsm.tests.sandbox \
  --seed "$SEED" --incidents "$VARIABLES" --env-file sandbox.env > sandbox.log &
sandbox=$!
trap 'kill "$sandbox" 2> /dev/null || :; wait "$sandbox" || :' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
until [ -f sandbox.env ]; do
  kill -0 "$sandbox" 2> /dev/null || { echo "The sandbox did not start." >&2; exit 1; }
  sleep 1
done

# From here on, all addresses and credentials are those of the sandbox.
# shellcheck source=/dev/null
. ./sandbox.env
play --check --diff
play --diff

#!/bin/sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Rehearses the runbook on the sandbox, first with --check --diff, then for real. Needs no credentials and reaches no
# service. The sandbox begins with the seed; incidents that the variables name and the seed does not have are made up.
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

# From here on, every address and credential is the sandbox's.
# shellcheck source=/dev/null
. ./sandbox.env
play --check --diff
play --diff

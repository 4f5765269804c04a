#!/bin/sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Shows what the runbook would change in the real services. Sends nothing but reads.
set -eu
. ./scripts/settings.sh
. ./services.sh

play --check --diff

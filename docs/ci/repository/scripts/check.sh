#!/bin/sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the runbook in check mode on the real services: shows what would change, and only sends read requests.
set -eu
. ./scripts/settings.sh
. ./services.sh

play --check --diff

#!/bin/sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the runbook on the real services.
set -eu
. ./scripts/settings.sh
. ./services.sh

play --diff

# shellcheck shell=sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The addresses of the real services. The credentials are in the secret store of the pipeline: CONTRAFORCE_CLIENT_ID and
# CONTRAFORCE_CLIENT_SECRET, and for runbooks that open tickets TICKETING_CLIENT_ID and TICKETING_CLIENT_SECRET.

export CONTRAFORCE_URL=https://portal.contraforce.com/api/v2

# For runbooks that open tickets:
# export TICKETING_URL=https://ticketing.example.com
# export TICKETING_TENANT_ID=820188ff-2036-4924-b80f-d11610735d86
# export TICKETING_REALM=northwind
# export TICKETING_TOKEN_URL=https://login.example.com/auth/realms/northwind/protocol/openid-connect/token
# export TICKETING_SCOPE=tickets:write

#!/bin/sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what the other scripts need: Ansible and the sandbox's requirements in .venv, unless there is an
# ansible-playbook already (as in an image of your own), and the collection in collections.
set -eu
. ./scripts/settings.sh

if ! command -v ansible-playbook > /dev/null; then
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
fi
if ! [ -d "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/secops/itsm" ]; then
  ansible-galaxy collection install -r requirements.yml -p "$ANSIBLE_COLLECTIONS_PATH"
fi

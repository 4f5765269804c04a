#!/bin/sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs the requirements of the other scripts: Ansible and the Python packages in .venv, unless ansible-playbook is already
# installed (as in a custom image), and the collection in collections.
set -eu
. ./scripts/settings.sh

if ! command -v ansible-playbook > /dev/null; then
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
fi
if ! [ -d "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/secops/itsm" ]; then
  ansible-galaxy collection install -r requirements.yml -p "$ANSIBLE_COLLECTIONS_PATH"
fi

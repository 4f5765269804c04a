# shellcheck shell=sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Settings of the other scripts, which source this file.

# The runbook, its variables, and the seed of the sandbox. A pipeline may set others.
RUNBOOK=${RUNBOOK:-close_incident}
VARIABLES=${VARIABLES:-incidents.yml}
SEED=${SEED:-seed.yml}

# The paths of set-up.sh. Not in ansible.cfg, which Ansible ignores in world-writable directories, as in many pipelines.
PATH=$PWD/.venv/bin:$PATH
export ANSIBLE_COLLECTIONS_PATH="$PWD/collections"

# JUnit files for the pipeline, without task arguments. With JUNIT_FAIL_ON_CHANGE=true, a task that changes or would change
# something is shown as failed; the exit code does not change.
export ANSIBLE_CALLBACKS_ENABLED=ansible.builtin.junit
export JUNIT_OUTPUT_DIR="$PWD/junit" JUNIT_HIDE_TASK_ARGUMENTS=true

export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false

# play [OPTION...]: run the runbook.
play() {
  ansible-playbook "secops.itsm.$RUNBOOK" -e "@$VARIABLES" "$@"
}

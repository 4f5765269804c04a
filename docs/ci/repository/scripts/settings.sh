# shellcheck shell=sh
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the other scripts share. They read it in; it does nothing by itself.

# Which runbook runs, with which variables, and on which sandbox it is rehearsed. A pipeline may set others.
RUNBOOK=${RUNBOOK:-close_incident}
VARIABLES=${VARIABLES:-incidents.yml}
SEED=${SEED:-seed.yml}

# What set-up.sh installs. Not in ansible.cfg, which Ansible passes over in a folder that everybody may write to, as those of
# pipelines often are.
PATH=$PWD/.venv/bin:$PATH
export ANSIBLE_COLLECTIONS_PATH="$PWD/collections"

# JUnit files for the pipeline to show, without the tasks' arguments. With JUNIT_FAIL_ON_CHANGE=true, a task that changes
# something, or would, is shown as failed; the exit code stays as it is.
export ANSIBLE_CALLBACKS_ENABLED=ansible.builtin.junit
export JUNIT_OUTPUT_DIR="$PWD/junit" JUNIT_HIDE_TASK_ARGUMENTS=true

export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false

# play [OPTION...]: run the runbook.
play() {
  ansible-playbook "secops.itsm.$RUNBOOK" -e "@$VARIABLES" "$@"
}

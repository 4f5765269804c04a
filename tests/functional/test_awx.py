# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The setup of configure_controller.yml fits awx.awx, the controller, the runbooks and the connections."""

from __future__ import annotations

import os
import re
import threading
from typing import Any, Iterator, Mapping

import pytest
import yaml
from jinja2 import UndefinedError

from ansible_collections.secops.itsm.plugins.inventory.contraforce_incidents import DEFINITION as INVENTORY_JOB
from ansible_collections.secops.itsm.plugins.inventory.contraforce_incidents import FILE_NAMES, InventoryModule
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import OTHER_TIME_RANGES
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    all_systems,
    choose_system,
    read_table,
    with_ticket_system,
)
from ansible_collections.secops.itsm.tests.functional import controller
from ansible_collections.secops.itsm.tests.functional.conftest import Player
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS
from ansible_collections.secops.itsm.tests.tools import controller_stub

SYSTEM = choose_system("")
TABLES = {
    "ContraForce (secops.itsm)": CONTRAFORCE_OPTIONS,
    SYSTEM.definition["credential_type"]["name"]: SYSTEM.connection_options,
}
TYPES = pytest.mark.parametrize("name", TABLES)
RUNBOOKS = with_ticket_system(read_table())

#: The playbook of the project that renames a variable of its runbook.
RENAMED = {"open_ticket_for_approval": ("open_ticket", {"requested_incidents": "incidents"})}

#: The types of questions for each type of variable.
QUESTION_TYPES = {
    "str": ("text", "textarea", "multiplechoice"),
    "path": ("text",),
    "int": ("integer",),
    "float": ("float",),
    "bool": ("multiplechoice",),
    "list": ("textarea", "text", "multiselect"),
    "dict": ("textarea",),
}

#: Types of questions that do not accept an empty answer.
NEVER_EMPTY = ("multiplechoice", "integer", "float")

WORKFLOW = "Open tickets, have them approved, and close"

#: The collections path of awx.awx, for the test that needs it.
AWX = os.environ.get("SECOPS_ITSM_AWX_COLLECTIONS", "")


def templates() -> dict[str, dict[str, Any]]:
    """Return the job templates by name."""
    return {template["name"]: template for template in controller.configured().all("job_template")}


def survey_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the questions of a job template or workflow by variable."""
    return {question["variable"]: question for question in template["survey_spec"]["spec"]}


def runbook_of(template: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the runbook of a job template, and its renamed variables."""
    name = template["playbook"].removesuffix(".yml")
    return RENAMED.get(name, (name, {}))


def variables_of(runbook: str, runbooks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the variables of a runbook with its defaults."""
    table = runbooks["itsm_runbooks"][runbook]
    known = {name: variable for group in table["takes"] for name, variable in runbooks["itsm_variables"][group].items()}
    left_out, defaults = table.get("without", []), table.get("defaults", {})
    return {
        name: {**variable, **({"default": defaults[name]} if name in defaults else {})}
        for name, variable in known.items()
        if name not in left_out
    }


def question_problems(question: dict[str, Any], variable: dict[str, Any]) -> Iterator[str]:
    """Yield the differences between a question and its variable."""
    asked_as, default, wanted = question["type"], question["default"], variable.get("default")
    if question["required"] and asked_as in ("text", "textarea") and question.get("min") != 1:
        yield "is required but accepts an empty string"
    if asked_as not in QUESTION_TYPES[variable["type"]]:
        yield f"has the type {variable['type']}, but the question has {asked_as}"
    allowed = ["true", "false"] if variable["type"] == "bool" else variable.get("choices", [])
    offered = [word for word in allowed if word not in OTHER_TIME_RANGES]
    if question.get("choices", "").splitlines() != offered:
        yield "has other choices"
    if asked_as not in NEVER_EMPTY:
        return
    if default == "" and not question["required"]:
        yield "needs an answer or a default"
    if wanted is not None and default != (str(wanted).lower() if isinstance(wanted, bool) else wanted):
        yield f"has another default, {default}"


def survey_problems(template: dict[str, Any], runbooks: Mapping[str, Any]) -> list[str]:
    """Return the differences between a survey and its runbook."""
    runbook, renamed = runbook_of(template)
    known, survey = variables_of(runbook, runbooks), survey_of(template)
    wrong = []
    for name, question in survey.items():
        variable = known.get(renamed.get(name, name))
        if variable is None:
            wrong.append(f"{name} is not a variable of {runbook}")
            continue
        wrong += [f"{name} {problem}" for problem in question_problems(question, variable)]
    asked = {renamed.get(name, name) for name in survey}
    table = RUNBOOKS["itsm_runbooks"][runbook]
    needed = {*table.get("required", []), *table.get("needs", []), *table.get("needs_of_sentinel", [])}
    wrong += [f"{name} is not asked for" for name in sorted(needed - asked)]
    for name in table.get("required", []):
        if name in survey and not survey[name]["required"]:
            wrong.append(f"{name} is not required")
    if runbook != "verify_connection" and not asked & {
        "incidents",
        "title_pattern",
        "pairs",
        "incident_hosts",
        "closed_within_hours",
    }:
        wrong.append("no incidents are asked for")
    return wrong


def test_every_runbook_has_a_job_template_and_a_playbook():
    called = {runbook_of(template)[0] for template in templates().values()}
    assert called == set(RUNBOOKS["itsm_runbooks"])
    found = controller_stub.playbooks_of(controller.PROJECT)
    assert found == {template["playbook"] for template in templates().values()}
    for playbook in sorted(found):
        (play,) = yaml.safe_load((controller.PROJECT / playbook).read_text(encoding="utf-8"))
        runbook = RENAMED.get(playbook.removesuffix(".yml"), (playbook.removesuffix(".yml"),))[0]
        assert play["import_playbook"] == f"secops.itsm.{runbook}"
        assert (controller.PLAYBOOKS / f"{runbook}.yml").is_file(), runbook
    requirements = yaml.safe_load((controller.PROJECT / "collections" / "requirements.yml").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in requirements["collections"]] == ["secops.itsm"]


def test_surveys_match_the_runbooks():
    wrong = {name: survey_problems(template, RUNBOOKS) for name, template in templates().items()}
    assert {name: problems for name, problems in wrong.items() if problems} == {}


def test_the_controller_accepts_surveys_and_credential_types():
    for template in [*templates().values(), controller.configured().one("workflow_job_template", WORKFLOW)]:
        controller_stub.check_survey(template["survey_spec"])
        for question in template["survey_spec"]["spec"]:
            assert "default" in question, "the user interface fails for a choice without a default"
            for limit in ("min", "max"):
                assert isinstance(question.get(limit, 0), int)
    for credential_type in controller.configured().all("credential_type"):
        controller_stub.check_credential_type(credential_type)
        assert credential_type["kind"] == "cloud", (
            "job templates only accept custom credential types of this kind or net"
        )


def test_job_templates_offer_check_mode_and_no_variables():
    for name, template in templates().items():
        writes = name != "Verify the connections"
        assert template["allow_simultaneous"] is False
        assert (template["ask_job_type_on_launch"], template["ask_diff_mode_on_launch"]) == (writes, writes)
        assert template["ask_variables_on_launch"] is False, "any user could set any Ansible variable"
        assert template["survey_enabled"] is True
        assert template["notification_templates_error"] == ["ITSM runbook failures"]


def test_referenced_objects_are_created():
    setup = controller.configured()
    for template in templates().values():
        for kind in ("project", "inventory", "execution_environment"):
            assert setup.one(kind, template[kind])
        assert {one["name"] for one in setup.all("credential")} >= set(template["credentials"])
        runbook = runbook_of(template)[0]
        needs_tickets = {"tickets", "services", "resolution", "direction"} & set(
            RUNBOOKS["itsm_runbooks"][runbook]["takes"]
        )
        assert template["credentials"] == ["ContraForce", "ITSM ticketing"][: 2 if needs_tickets else 1]
    host = setup.one("host", "localhost")["variables"]
    assert host == {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def test_open_incidents_are_a_sliced_inventory():
    setup = controller.configured()
    (source,) = setup.all("inventory_source")
    incidents = source["inventory"]
    assert setup.one("inventory", incidents)
    assert (source["source"], source["source_project"]) == ("scm", setup.all("project")[0]["name"])
    assert source["credential"] in [one["name"] for one in setup.all("credential")]
    assert source["execution_environment"] in [one["name"] for one in setup.all("execution_environment")]
    assert (source["overwrite"], source["overwrite_vars"], source["update_on_launch"]) == (True, True, True)
    assert source["update_cache_timeout"] == 3600, "all slices must use the same list"
    path = controller.PROJECT / source["source_path"]
    assert path.name.endswith(FILE_NAMES)
    options = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert options.pop("plugin") == InventoryModule.NAME
    assert set(options) <= set(INVENTORY_JOB.argument_spec)
    sliced = {name: one["job_slice_count"] for name, one in templates().items() if one["inventory"] == incidents}
    assert sliced == {"Close the open incidents, each by itself": 4}
    assert {one["job_slice_count"] for name, one in templates().items() if name not in sliced} == {1}


@TYPES
def test_injectors_and_inputs_match_the_connection_options(name):
    credential_type, table = controller.configured().one("credential_type", name), TABLES[name]
    env = credential_type["injectors"]["env"]
    assert set(env) == {option.env for option in table.values()}
    inputs = {field["id"]: field for field in credential_type["inputs"]["fields"]}
    for option in table.values():
        template = env[option.env]
        if option.type == "path":
            (file,) = re.findall(r"tower\.filename\.(\w+)", template)
            assert f"if {credential_type['injectors']['file']['template.' + file][3:-3]} else ''" in template
            template = credential_type["injectors"]["file"][f"template.{file}"]
        named = template.removeprefix("{{ ").removesuffix(" }}")
        field = inputs.pop(named)
        if option.secret or option.env.endswith("_CLIENT_KEY"):
            assert field.get("secret"), f"{named} is not secret"
        if option.type == "bool":
            # An untouched checkbox is False.
            assert field["type"] == ("string" if option.default else "boolean")
    assert not inputs, "unused inputs"


@TYPES
def test_injectors_render_with_strict_undefined(name):
    credential_type = controller.configured().one("credential_type", name)
    values: dict[str, Any] = {field["id"]: "EXAMPLE" for field in credential_type["inputs"]["fields"]}
    values["tower"] = controller.namespace_of(dict.fromkeys(credential_type["injectors"]["file"], "EXAMPLE"))
    for group in credential_type["injectors"].values():
        assert {controller.rendered_strictly(template, values) for template in group.values()} == {"EXAMPLE"}
    with pytest.raises(UndefinedError):
        controller.rendered_strictly("{{ urll }}", values)


@TYPES
def test_empty_inputs_inject_an_empty_string_or_false(name, tmp_path):
    """The connections treat these as unset, see test_jobs.py."""
    env = controller.injected(controller.configured().one("credential_type", name), {}, tmp_path)
    assert set(env.values()) == {"", "False"}
    assert {key for key, value in env.items() if value} <= {
        option.env for option in TABLES[name].values() if option.type == "bool" and option.default is False
    }


def test_the_workflow_passes_incidents_to_its_last_job():
    """In AWX, workflow variables override the stats of jobs, so none may have their names."""
    workflow = controller.configured().one("workflow_job_template", WORKFLOW)
    asked = survey_of(workflow)
    assert not set(asked) & {"incidents", "itsm_report"}
    made = controller.configured().all("workflow_job_template_node")
    assert {node["workflow_job_template"] for node in made} == {WORKFLOW}
    links = {node["identifier"]: node["success_nodes"] for node in made if "success_nodes" in node}
    assert links == {"open": ["approve"], "approve": ["close"], "close": []}
    nodes = {node["identifier"]: node for node in made if "success_nodes" not in node}
    assert nodes["approve"]["approval_node"]["timeout"] == 28800
    questions: dict[str, dict[str, Any]] = {}
    for name in ("open", "close"):
        survey = survey_of(templates()[nodes[name]["unified_job_template"]])
        required = {variable for variable, question in survey.items() if question["required"]}
        assert required <= set(asked)
        questions.update(survey)
    assert set(asked) <= set(questions), "a question without a job"
    for variable, question in asked.items():
        assert question == questions[variable]
    assert "incidents" in survey_of(templates()[nodes["close"]["unified_job_template"]])
    assert workflow["notification_templates_approvals"] == ["ITSM runbook failures"]


def test_schedules_run_in_check_mode_and_answer_surveys():
    for schedule in controller.configured().all("schedule"):
        template = templates()[schedule["unified_job_template"]]
        assert schedule["job_type"] == "check"
        assert template["ask_job_type_on_launch"], "AWX would ignore the job type"
        assert schedule["enabled"] is False
        survey = survey_of(template)
        assert set(schedule["extra_data"]) <= set(survey)
        assert {name for name, question in survey.items() if question["required"]} <= set(schedule["extra_data"])
        for name, answer in schedule["extra_data"].items():
            assert answer in survey[name].get("choices", answer)
        assert re.match(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=\w+;INTERVAL=1", schedule["rrule"])
    audited = next(one for one in controller.configured().all("schedule") if "pairs_file" in one["extra_data"])
    listed = (controller.PROJECT / audited["extra_data"]["pairs_file"]).read_text(encoding="utf-8")
    assert listed.split(",") == ["workspace_id", "source", "incident_id", "ticket_id", "state\n"]


def test_notifications_are_json_for_a_webhook():
    (notification,) = controller.configured().all("notification_template")
    fields = {"job_friendly_name": "Job", "job": {"id": 1, "name": "n", "status": "failed"}, "url": "u"}
    body = controller.rendered_strictly(notification["messages"]["error"]["body"], fields)
    assert yaml.safe_load(body) == {"text": "Job #1 n: failed u"}
    expected = {
        # The names of AWX 24.6.1; a pending approval is running.
        "running": "Approve: waiting for approval u",
        "approved": "Approve: approved u",
        "denied": "Approve: denied u",
        "timed_out": "Approve: not answered in time u",
    }
    messages = notification["messages"]["workflow_approval"]
    assert set(messages) == set(expected)
    for status, text in expected.items():
        approval = {"approval_node_name": "Approve", "approval_status": status, "workflow_url": "u"}
        body = controller.rendered_strictly(messages[status]["body"], approval)
        assert yaml.safe_load(body) == {"text": text}


@pytest.mark.parametrize("without", [False, "false"], ids=["file", "command line"])
def test_optional_parts_can_be_left_out(tmp_path, without):
    """Without a ticketing platform and a webhook, and with existing credentials."""
    site = {name: value for name, value in controller.SITE.items() if name.startswith(("controller_p", "controller_e"))}
    code, output, setup = controller.configure(tmp_path, {**site, "controller_with_ticketing": without})
    assert code == 0, output
    assert {runbook_of(template)[0] for template in setup.all("job_template")} == {
        name for name, table in RUNBOOKS["itsm_runbooks"].items() if not {"tickets", "resolution"} & set(table["takes"])
    }
    for template in setup.all("job_template"):
        assert template["credentials"] == ["ContraForce"]
        assert template["notification_templates_error"] == []
    for kind in ("credential", "notification_template", "workflow_job_template", "workflow_job_template_node"):
        assert setup.all(kind) == []


@pytest.mark.parametrize(
    "system", [system for system in all_systems() if system != SYSTEM], ids=lambda system: system.name
)
def test_another_ticketing_system_can_be_chosen(tmp_path, system):
    """Its credential type, questions and settings replace those of the default system."""
    inputs = {"url": "https://tickets.example.com", "access_token": "a-key"}
    answers = {setting: f"answer to {setting}" for setting in system.definition["settings"]}
    site = {
        **controller.SITE,
        "controller_ticketing_inputs": inputs,
        "controller_ticket_system": system.name,
        **answers,
    }
    code, output, setup = controller.configure(tmp_path, site)
    assert code == 0, output
    names = [one["name"] for one in setup.all("credential_type")]
    assert names == ["ContraForce (secops.itsm)", system.definition["credential_type"]["name"]]
    credential_type = setup.one("credential_type", names[1])
    controller_stub.check_credential_type(credential_type)
    assert set(credential_type["injectors"]["env"]) == {option.env for option in system.connection_options.values()}
    assert setup.one("credential", "ITSM ticketing")["credential_type"] == names[1]
    table = with_ticket_system(read_table(), system.name)
    for template in setup.all("job_template"):
        controller_stub.check_survey(template["survey_spec"])
        runbook = runbook_of(template)[0]
        uses_system = "ticket_system" in table["itsm_runbooks"][runbook]["takes"]
        assert template["extra_vars"].get("ticket_system") == (system.name if uses_system else None)
        assert survey_problems(template, table) == []
    opening = survey_of(next(one for one in setup.all("job_template") if one["playbook"] == "close_with_ticket.yml"))
    assert set(answers.values()) <= {question["default"] for question in opening.values()}


@pytest.mark.parametrize(
    "site, facts",
    [
        ({"controller_project_url": "https://git.example.com/a.git"}, ["'controller_execution_environment_image'"]),
        (
            {**controller.SITE, "controller_schedule_enabled": True, "my_secret": "x"},
            ["controller_schedule_enabled", "configure_controller", "Did you mean controller_schedules_enabled?"],
        ),
        ({**controller.SITE, "controller_ticket_system": "pager"}, ["'ticket_system' must be one of", "'pager'"]),
        ({**controller.SITE, "controller_ticket_system": "servicenow", "controller_offer": "x"}, ["controller_offer"]),
        ({**controller.SITE, "controller_colour": "red"}, ["controller_colour", "itsm_ignored_variables"]),
    ],
)
def test_missing_and_unknown_settings_are_refused(tmp_path, site, facts):
    code, output, setup = controller.configure(tmp_path, site)
    words = " ".join(output.split())
    assert code == 2
    assert [fact for fact in facts if fact not in words] == [], output
    assert "my_secret" not in words
    assert setup.calls == ()


def test_no_secret_is_shown():
    output = controller.configured_output()
    assert "Create the credentials" in output
    for secret in ("a-secret", "a-key", "a-secret-path"):
        assert secret not in output


def documented_names() -> dict[str, str]:
    """Return the names to change for a second organization, and their defaults."""
    page = (controller.PLAYBOOKS.parent / "docs" / "docsite" / "rst" / "awx.rst").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^Set up a second organization$.*?^-+$(.*?)^-+$", page, re.MULTILINE | re.DOTALL)
    settings = yaml.safe_load((controller.PLAYBOOKS / "awx" / "vars" / "settings.yml").read_text(encoding="utf-8"))
    return {name: settings[name] for name in re.findall(r"^   (controller_\w+): ", listed, re.MULTILINE)}


def test_the_guide_lists_all_names_of_an_organization():
    names = documented_names()
    assert len(names) == 8
    assert "controller_organization" in names
    found = {
        name
        for kind in ("credential", "execution_environment", "inventory", "notification_template", "project")
        for name in (one["name"] for one in controller.configured().all(kind))
    }
    assert found == set(names.values()) - {"Default"}


def test_inventories_have_an_explicit_kind():
    """Without it, check mode reports a change of an existing inventory."""
    assert [one["kind"] for one in controller.configured().all("inventory")] == ["", ""]


@pytest.mark.skipif(not AWX, reason="awx.awx is not installed; set SECOPS_ITSM_AWX_COLLECTIONS to its path")
def test_with_the_modules_of_awx(tmp_path):
    """Configure a stub of the controller's API, again, and in check mode, for two organizations."""
    server, store = controller_stub.serve(controller.PROJECT)
    store.create("organizations", {"name": "Another"})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": f"{AWX}:{COLLECTIONS}",
        "CONTROLLER_HOST": f"http://127.0.0.1:{server.server_address[1]}",
        "CONTROLLER_OAUTH_TOKEN": "a-token",
    }
    named = {name: f"{value} of another" for name, value in documented_names().items()}
    others = {**controller.SITE, **named, "controller_organization": "Another"}
    cases = (((), True), ((), False), (("--check",), False))
    try:
        for site in (controller.SITE, others):
            (tmp_path / "site.yml").write_text(yaml.safe_dump(site), encoding="utf-8")
            for arguments, changed in cases:
                before = store.writes
                played = Player(tmp_path, environment).play(controller.RUNBOOK, "-e", "@site.yml", *arguments)
                assert played.code == 0, played.output
                assert ("changed=0 " not in played.output) is changed, played.output
                assert (store.writes == before) is ("--check" in arguments)
    finally:
        server.shutdown()
        server.server_close()

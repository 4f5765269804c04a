# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""configure_controller.yml: what it sets up fits awx.awx, the controller's rules, the runbooks and the connections."""

from __future__ import annotations

import copy
import os
import re
import threading
from typing import Any, Iterator

import pytest
import yaml
from jinja2 import UndefinedError

from ansible_collections.secops.itsm.plugins.inventory.contraforce_incidents import DEFINITION as INVENTORY_JOB
from ansible_collections.secops.itsm.plugins.inventory.contraforce_incidents import FILE_NAMES, InventoryModule
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import OTHER_TIME_RANGES
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.tests.functional import controller
from ansible_collections.secops.itsm.tests.functional.conftest import Player
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS
from ansible_collections.secops.itsm.tests.tools import controller_stub

TABLES = {"ContraForce (secops.itsm)": CONTRAFORCE_OPTIONS, "ITSM ticketing (secops.itsm)": TICKETING_OPTIONS}
TYPES = pytest.mark.parametrize("name", TABLES)
RUNBOOKS = yaml.safe_load((controller.PLAYBOOKS / "vars" / "runbooks.yml").read_text(encoding="utf-8"))

#: The playbook of the project that is no plain call of a runbook, and by which name it takes a variable of the runbook.
RENAMED = {"open_ticket_for_approval": ("open_ticket", {"requested_incidents": "incidents"})}

#: What questions a variable can be asked with, by its type.
ASKED_AS = {
    "str": ("text", "textarea", "multiplechoice"),
    "path": ("text",),
    "int": ("integer",),
    "float": ("float",),
    "bool": ("multiplechoice",),
    "list": ("textarea", "text", "multiselect"),
    "dict": ("textarea",),
}

#: The controller takes no empty answer to such a question.
ONLY_ONE_ANSWER = ("multiplechoice", "integer", "float")

WORKFLOW = "Open tickets, have them approved, and close"

#: Where awx.awx is installed, for the one test that needs it.
AWX = os.environ.get("SECOPS_ITSM_AWX_COLLECTIONS", "")


def templates() -> dict[str, dict[str, Any]]:
    """The job templates, by name."""
    return {template["name"]: template for template in controller.configured().all("job_template")}


def survey_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The questions of a job template or of a workflow, by their variables."""
    return {question["variable"]: question for question in template["survey_spec"]["spec"]}


def runbook_of(template: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The runbook that a job template calls, and the variables that it takes by another name."""
    name = template["playbook"].removesuffix(".yml")
    return RENAMED.get(name, (name, {}))


def variables_of(runbook: str) -> dict[str, dict[str, Any]]:
    """The variables that a runbook takes, each with its default there."""
    table = RUNBOOKS["itsm_runbooks"][runbook]
    known = {name: variable for group in table["takes"] for name, variable in RUNBOOKS["itsm_variables"][group].items()}
    left_out, defaults = table.get("without", []), table.get("defaults", {})
    return {
        name: {**variable, **({"default": defaults[name]} if name in defaults else {})}
        for name, variable in known.items()
        if name not in left_out
    }


def wrong_with(question: dict[str, Any], variable: dict[str, Any]) -> Iterator[str]:
    """What of a question does not fit its variable."""
    asked_as, default, wanted = question["type"], question["default"], variable.get("default")
    if question["required"] and asked_as in ("text", "textarea") and question.get("min") != 1:
        yield "may be an empty text although it is required"
    if asked_as not in ASKED_AS[variable["type"]]:
        yield f"is a {variable['type']}, and asked as {asked_as}"
    allowed = ["true", "false"] if variable["type"] == "bool" else variable.get("choices", [])
    offered = [word for word in allowed if word not in OTHER_TIME_RANGES]
    if question.get("choices", "").splitlines() != offered:
        yield "has other choices"
    if asked_as not in ONLY_ONE_ANSWER:
        return
    if default == "" and not question["required"]:
        yield "needs an answer or a default"
    if wanted is not None and default != (str(wanted).lower() if isinstance(wanted, bool) else wanted):
        yield f"has another default, {default}"


def wrong_in(template: dict[str, Any]) -> list[str]:
    """What of a survey does not fit the runbook that it asks for."""
    runbook, renamed = runbook_of(template)
    known, survey = variables_of(runbook), survey_of(template)
    wrong = []
    for name, question in survey.items():
        variable = known.get(renamed.get(name, name))
        if variable is None:
            wrong.append(f"{name} is no variable of {runbook}")
            continue
        wrong += [f"{name} {problem}" for problem in wrong_with(question, variable)]
    asked = {renamed.get(name, name) for name in survey}
    table = RUNBOOKS["itsm_runbooks"][runbook]
    needed = {*table.get("required", []), *table.get("needs", []), *table.get("needs_of_sentinel", [])}
    wrong += [f"{name} is not asked for" for name in sorted(needed - asked)]
    for name in table.get("required", []):
        if name in survey and not survey[name]["required"]:
            wrong.append(f"{name} is not required")
    if runbook != "verify_connection" and not asked & {"incidents", "title_pattern", "pairs", "incident_hosts"}:
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


def test_surveys_ask_what_the_runbooks_take():
    wrong = {name: wrong_in(template) for name, template in templates().items()}
    assert {name: problems for name, problems in wrong.items() if problems} == {}


@pytest.mark.parametrize(
    "variable, change, problem",
    [
        ("comment", {"variable": "commment"}, "commment is no variable of close_false_positives"),
        ("max_incidents", {"type": "text"}, "max_incidents is a int, and asked as text"),
        ("max_incidents", {"default": 26}, "max_incidents has another default, 26"),
        ("time_range", {"choices": "SixHours"}, "time_range has other choices"),
        ("classification_reason", {"required": False}, "classification_reason needs an answer or a default"),
        ("title_pattern", {"required": False}, "title_pattern is not required"),
        ("title_pattern", {"min": 0}, "title_pattern may be an empty text although it is required"),
    ],
)
def test_a_survey_that_does_not_fit_is_found(variable, change, problem):
    template = copy.deepcopy(templates()["Close false positives"])
    survey_of(template)[variable].update(change)
    assert problem in wrong_in(template)


def test_the_controller_takes_the_surveys_and_types():
    for template in [*templates().values(), controller.configured().one("workflow_job_template", WORKFLOW)]:
        controller_stub.check_survey(template["survey_spec"])
        for question in template["survey_spec"]["spec"]:
            assert "default" in question, "the controller's pages break on a choice without one"
            for limit in ("min", "max"):
                assert isinstance(question.get(limit, 0), int)
    for credential_type in controller.configured().all("credential_type"):
        controller_stub.check_credential_type(credential_type)
        assert credential_type["kind"] == "cloud", "a job template takes a custom type only of this kind or net"


def test_one_job_of_a_template_at_a_time_that_can_be_rehearsed():
    for name, template in templates().items():
        writes = name != "Verify the connections"
        assert template["allow_simultaneous"] is False
        assert (template["ask_job_type_on_launch"], template["ask_diff_mode_on_launch"]) == (writes, writes)
        assert template["ask_variables_on_launch"] is False, "whoever may start it could set any variable of Ansible"
        assert template["survey_enabled"] is True
        assert template["notification_templates_error"] == ["ITSM runbook failures"]


def test_everything_that_is_named_is_there():
    setup = controller.configured()
    for template in templates().values():
        for kind in ("project", "inventory", "execution_environment"):
            assert setup.one(kind, template[kind])
        assert {one["name"] for one in setup.all("credential")} >= set(template["credentials"])
        runbook = runbook_of(template)[0]
        needs_tickets = {"tickets", "services"} & set(RUNBOOKS["itsm_runbooks"][runbook]["takes"])
        assert template["credentials"] == ["ContraForce", "ITSM ticketing"][: 2 if needs_tickets else 1]
    host = setup.one("host", "localhost")["variables"]
    assert host == {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def test_open_incidents_are_an_inventory_of_which_a_job_is_a_slice():
    """From a file of the project, by a plugin that takes it; the others run on the one host."""
    setup = controller.configured()
    (source,) = setup.all("inventory_source")
    incidents = source["inventory"]
    assert setup.one("inventory", incidents)
    assert (source["source"], source["source_project"]) == ("scm", setup.all("project")[0]["name"])
    assert source["credential"] in [one["name"] for one in setup.all("credential")]
    assert source["execution_environment"] in [one["name"] for one in setup.all("execution_environment")]
    assert (source["overwrite"], source["overwrite_vars"], source["update_on_launch"]) == (True, True, True)
    assert source["update_cache_timeout"] == 3600, "the slices must be cut from one list"
    path = controller.PROJECT / source["source_path"]
    assert path.name.endswith(FILE_NAMES)
    options = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert options.pop("plugin") == InventoryModule.NAME
    assert set(options) <= set(INVENTORY_JOB.argument_spec)
    sliced = {name: one["job_slice_count"] for name, one in templates().items() if one["inventory"] == incidents}
    assert sliced == {"Close the open incidents, each by itself": 4}
    assert {one["job_slice_count"] for name, one in templates().items() if name not in sliced} == {1}


@TYPES
def test_injectors_and_inputs_are_those_of_the_connection(name):
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
            assert field.get("secret"), f"{named} is no secret"
        if option.type == "bool":
            # A checkbox says False if nobody touched it.
            assert field["type"] == ("string" if option.default else "boolean")
    assert not inputs, "inputs that nothing is made of"


@TYPES
def test_injectors_render_as_the_controller_tries_them(name):
    credential_type = controller.configured().one("credential_type", name)
    values: dict[str, Any] = {field["id"]: "EXAMPLE" for field in credential_type["inputs"]["fields"]}
    values["tower"] = controller.namespace_of(dict.fromkeys(credential_type["injectors"]["file"], "EXAMPLE"))
    for group in credential_type["injectors"].values():
        assert {controller.rendered_strictly(template, values) for template in group.values()} == {"EXAMPLE"}
    with pytest.raises(UndefinedError):
        controller.rendered_strictly("{{ urll }}", values)


@TYPES
def test_what_is_left_out_is_an_empty_text_or_false(name, tmp_path):
    """Which the connections count as not given, as test_jobs.py shows."""
    env = controller.injected(controller.configured().one("credential_type", name), {}, tmp_path)
    assert set(env.values()) == {"", "False"}
    assert {key for key, value in env.items() if value} <= {
        option.env for option in TABLES[name].values() if option.type == "bool" and option.default is False
    }


def test_the_workflow_hands_incidents_on():
    """AWX prefers the variables of a workflow to what its jobs hand on, so none may have the name of those."""
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
    assert set(asked) <= set(questions), "a question that no job takes"
    for variable, question in asked.items():
        assert question == questions[variable]
    assert "incidents" in survey_of(templates()[nodes["close"]["unified_job_template"]])
    assert workflow["notification_templates_approvals"] == ["ITSM runbook failures"]


def test_schedules_only_rehearse_and_answer_what_is_asked():
    for schedule in controller.configured().all("schedule"):
        template = templates()[schedule["unified_job_template"]]
        assert schedule["job_type"] == "check"
        assert template["ask_job_type_on_launch"], "AWX would run it in earnest"
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


def test_notifications_are_texts_for_a_webhook():
    (notification,) = controller.configured().all("notification_template")
    fields = {"job_friendly_name": "Job", "job": {"id": 1, "name": "n", "status": "failed"}, "url": "u"}
    body = controller.rendered_strictly(notification["messages"]["error"]["body"], fields)
    assert yaml.safe_load(body) == {"text": "Job #1 n: failed u"}
    told = {
        # As AWX 24.6.1 calls them, the first one while it waits.
        "running": "Approve: waiting for approval u",
        "approved": "Approve: approved u",
        "denied": "Approve: denied u",
        "timed_out": "Approve: not answered in time u",
    }
    messages = notification["messages"]["workflow_approval"]
    assert set(messages) == set(told)
    for status, text in told.items():
        approval = {"approval_node_name": "Approve", "approval_status": status, "workflow_url": "u"}
        body = controller.rendered_strictly(messages[status]["body"], approval)
        assert yaml.safe_load(body) == {"text": text}


@pytest.mark.parametrize("without", [False, "false"], ids=["file", "command line"])
def test_without_what_is_optional(tmp_path, without):
    """No ticketing platform, no webhook, credentials that are there already."""
    site = {name: value for name, value in controller.SITE.items() if name.startswith(("controller_p", "controller_e"))}
    code, output, setup = controller.configure(tmp_path, {**site, "controller_with_ticketing": without})
    assert code == 0, output
    assert {runbook_of(template)[0] for template in setup.all("job_template")} == {
        name for name, table in RUNBOOKS["itsm_runbooks"].items() if "tickets" not in table["takes"]
    }
    for template in setup.all("job_template"):
        assert template["credentials"] == ["ContraForce"]
        assert template["notification_templates_error"] == []
    for kind in ("credential", "notification_template", "workflow_job_template", "workflow_job_template_node"):
        assert setup.all(kind) == []


def test_what_a_site_must_say(tmp_path):
    code, output, setup = controller.configure(tmp_path, {"controller_project_url": "https://git.example.com/a.git"})
    assert code != 0
    assert "'controller_execution_environment_image', the image that was built" in " ".join(output.split())
    assert setup.calls == ()


def test_arguments_that_awx_does_not_take_are_found(tmp_path):
    """The stand-ins of this test refuse what the modules would."""
    code, output, _setup = controller.configure(
        tmp_path,
        {**controller.SITE, "controller_execution_environment_pull": "sometimes"},
        "-t",
        "execution_environment",
    )
    assert code != 0
    assert "value of pull must be one of: always, missing, never, got: sometimes" in output


def test_no_secret_is_shown(tmp_path):
    _code, output, _setup = controller.configure(
        tmp_path, controller.SITE, "-vv", "--tags", "credentials,notifications"
    )
    assert "Create the credentials" in output
    for secret in ("a-secret", "a-key", "a-secret-path"):
        assert secret not in output


def documented_names() -> dict[str, str]:
    """The names that a second organization needs of its own, and their defaults."""
    page = (controller.PLAYBOOKS.parent / "docs" / "docsite" / "rst" / "awx.rst").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^A second organization$.*?^-+$(.*?)^-+$", page, re.MULTILINE | re.DOTALL)
    settings = yaml.safe_load((controller.PLAYBOOKS / "awx" / "vars" / "settings.yml").read_text(encoding="utf-8"))
    return {name: settings[name] for name in re.findall(r"^   (controller_\w+): ", listed, re.MULTILINE)}


def test_a_second_organization_needs_a_name_for_everything_that_has_one():
    names = documented_names()
    assert len(names) == 8
    assert "controller_organization" in names
    found = {
        name
        for kind in ("credential", "execution_environment", "inventory", "notification_template", "project")
        for name in (one["name"] for one in controller.configured().all(kind))
    }
    assert found == set(names.values()) - {"Default"}


def test_inventories_are_of_the_kind_that_the_controller_shows():
    """Without it, awx.awx compares the empty text that it shows with nothing, and a check reports a change."""
    assert [one["kind"] for one in controller.configured().all("inventory")] == ["", ""]


@pytest.mark.skipif(not AWX, reason="awx.awx is not installed; SECOPS_ITSM_AWX_COLLECTIONS names where it is")
def test_with_the_modules_of_awx(tmp_path):
    """Sets up a stand-in of the controller's API, again, and in check mode; then the same for another organization."""
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

# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-rulebook runs the rulebooks and the examples of the guide against the sandbox.

It starts slowly, so one process runs everything: each rulebook is a ruleset with a source of its own.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import webhooks
from ansible_collections.secops.itsm.plugins.plugin_utils import webhook_callbacks, webhook_dispatcher, webhook_receiver
from ansible_collections.secops.itsm.plugins.plugin_utils.input_parsing import parse_text
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import runbook_spec
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    all_systems,
    read_table,
    system_names,
    with_ticket_system,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_settings import TICKET_WEBHOOK_SPEC, WEBHOOK_SPEC
from ansible_collections.secops.itsm.tests.functional.controller import configured
from ansible_collections.secops.itsm.tests.sandbox.events import incident_created
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook
from ansible_collections.secops.itsm.tests.tools.rulebook_process import INVENTORY, RulebookProcess

ROOT = Path(__file__).resolve().parents[2]
EDA = ROOT / "extensions" / "eda"
CLOSE, HIGH, RESOLVED = "close_known_false_positives", "open_ticket_for_high", "close_resolved_ticket"
#: The variables file of each rulebook.
EXAMPLES = {CLOSE: "false_positives", HIGH: "high", RESOLVED: "resolved"}
#: The source of each rulebook, with its options.
SOURCES = {
    CLOSE: ("secops.itsm.contraforce_webhook", WEBHOOK_SPEC),
    HIGH: ("secops.itsm.contraforce_webhook", WEBHOOK_SPEC),
    RESOLVED: ("secops.itsm.ticket_webhook", TICKET_WEBHOOK_SPEC),
}
NORTHWIND, TAILSPIN = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SECRET, TICKET_SECRET = "webhook+secret/with=marks&more", "ticket+secret/with=marks&more"

PAGES = {
    name: (ROOT / "docs" / "docsite" / "rst" / f"{name}.rst").read_text(encoding="utf-8")
    for name in ("events", "rehearse", "runbook_close_resolved", "runbook_open_ticket")
}
BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n((?:   :.*\n)*)\n((?:(?:   .*)?\n)+)", re.MULTILINE)

#: A string that looks like a number, which ansible-rulebook would convert.
COMMENT = "4e711"


def rulebook(name: str) -> list[dict[str, Any]]:
    """Return a rulebook of the collection."""
    return list(yaml.safe_load((EDA / "rulebooks" / f"{name}.yml").read_text(encoding="utf-8")))


def variables(name: str) -> dict[str, Any]:
    """Return a variables file of the collection."""
    return dict(yaml.safe_load((EDA / "variables" / f"{EXAMPLES.get(name, name)}.yml").read_text(encoding="utf-8")))


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    found = BLOCK.findall(f"{PAGES[page]}\n")
    return [textwrap.dedent(code).strip("\n") for kind, _options, code in found if kind == language]


def captioned(caption: str, page: str = "events") -> Any:
    """Return the YAML of a page with a caption."""
    found = BLOCK.findall(PAGES[page])
    (code,) = [code for _kind, options, code in found if options == f"   :caption: {caption}\n"]
    return yaml.safe_load(textwrap.dedent(code))


def block_with(key: str) -> dict[str, Any]:
    """Return the YAML block of the guide that only has a key."""
    shown = [yaml.safe_load(code) for code in blocks("events", "yaml")]
    (found,) = [block for block in shown if isinstance(block, dict) and list(block) == [key]]
    return dict(found)


class Controller:
    """A stub of the controller's API with which ansible-rulebook starts a job.

    :param names: the names of its job templates.
    """

    def __init__(self, names: list[str]) -> None:
        self.launched: list[tuple[str, Any]] = []
        self.token: set[str] = set()
        controller = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self, body: Any) -> None:
                controller.token.add(self.headers.get("Authorization", ""))
                content = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                job = {"id": 7, "url": "/api/v2/jobs/7/", "status": "successful", "created": "now", "artifacts": {}}
                asks = dict.fromkeys(("limit", "labels", "inventory", "variables"), False)
                templates = [
                    {
                        "id": number,
                        "type": "job_template",
                        "name": name,
                        "summary_fields": {"organization": {"name": "SOC"}},
                        "related": {"launch": f"/api/v2/job_templates/{number}/launch/"},
                        **{f"ask_{what}_on_launch": value for what, value in asks.items()},
                    }
                    for number, name in enumerate(names)
                ]
                if "/config/" in self.path:
                    self.respond({"version": "24.6.1"})
                elif "/unified_job_templates/" in self.path:
                    self.respond({"count": len(templates), "next": None, "results": templates})
                else:
                    self.respond({"count": 1, "next": None, "results": [{**job, "type": "job"}], **job})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                controller.launched.append((names[int(self.path.split("/")[-3])], body))
                self.respond({"id": 7, "url": "/api/v2/jobs/7/"})

            def log_message(self, *_arguments: Any) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


def renamed(ruleset: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a copy of a ruleset with another name, whose webhook has this name as its path."""
    made = copy.deepcopy(ruleset)
    made["name"] = name
    for source, webhook in made["sources"][0].items():
        if source in ("secops.itsm.contraforce_webhook", "secops.itsm.ticket_webhook"):
            webhook.update(host="127.0.0.1", port=0, path=f"/{name}")
    for rule in made["rules"]:
        if "run_playbook" in rule["action"]:
            # Retry without a delay.
            assert rule["action"]["run_playbook"]["delay"] == 15
            rule["action"]["run_playbook"]["delay"] = 0
    return made


def all_rulesets(folder: Path) -> list[dict[str, Any]]:
    """Return the rulebooks as they are, and changed as the guide describes.

    :param folder: the directory for files.
    """
    (close,), (high,) = rulebook(CLOSE), rulebook(HIGH)
    polled = renamed(close, "polled")
    polled["sources"] = copy.deepcopy(block_with("sources")["sources"])
    poll = polled["sources"][0]["secops.itsm.contraforce_incidents"]
    assert poll["state_file"].startswith("/var/lib/")
    # Only QRadar, so that it does not affect the others.
    poll.update(state_file=str(folder / "state.json"), sources=["QRadar"])
    high = renamed(high, "high")
    high["sources"][0]["filters"] = block_with("filters")["filters"]
    dump = renamed(close, "dump")
    dump["rules"][0]["action"]["run_playbook"]["name"] = "dump.yml"
    (platform,) = captioned("extensions/eda/rulebooks/close_known_false_positives.yml")
    rules = [*block_with("rules")["rules"], *captioned("a rule for the verdict of an agent")]
    firewall = renamed({**close, "rules": rules}, "firewall")
    (callbacks,) = captioned("ticket_callbacks.yml")
    callbacks["sources"][0]["secops.itsm.ticket_webhook"].update(port=0)
    callbacks["match_multiple_rules"] = True
    callbacks["rules"].append(
        {
            "name": "Dump a callback",
            "condition": "event.ticket_event is defined",
            "action": {"run_playbook": {"name": "dump_callback.yml", "var_root": "ticket_event"}},
        }
    )
    (ticket_platform,) = captioned("extensions/eda/rulebooks/close_resolved_ticket.yml")
    ticket_platform = renamed(ticket_platform, "ticket_platform")
    return [
        *(renamed(close, "close"), polled, high, dump, renamed(platform, "platform"), firewall, callbacks),
        *(resolved_ruleset(), ticket_platform),
    ]


def resolved_ruleset() -> dict[str, Any]:
    """Return the rulebook for closed tickets, with its own variables instead of those of the other rulebooks."""
    (made,) = rulebook(RESOLVED)
    own, given = variables(RESOLVED), made["rules"][0]["action"]["run_playbook"]["extra_vars"]
    made["sources"][0]["secops.itsm.ticket_webhook"]["ticket_system"] = own["ticket_system"]
    given.update({name: own.get(name, "") for name in ("classification", "classification_reason", "comment")})
    given.update(reference_field="", resolution_map=own["resolution_map"])
    return renamed(made, "resolved")


#: A playbook that writes its input to a file, including templates.
DUMP = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ {'eda': ansible_eda, 'incidents': incidents} | to_json }}"
        dest: "{{ playbook_dir }}/../../dump.json"
        mode: "0600"
"""


class Scene:
    """ansible-rulebook, the sandbox, and the stub of the controller.

    :param folder: the directory for files.
    :param sandbox: the sandbox.
    """

    def __init__(self, folder: Path, sandbox: SandboxProcess) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.path = folder / "everything.yml"
        self.controller = Controller(
            ["Close false positives", "Close incidents", "Close the incidents of closed tickets"]
        )
        self.dumped = folder / "dump.json"
        dump = DUMP.replace("{{ playbook_dir }}/../../dump.json", str(self.dumped))
        (folder / "dump.yml").write_text(dump, encoding="utf-8")
        self.dumped_callback = folder / "dump_callback.json"
        dump = dump.replace(", 'incidents': incidents", "").replace(str(self.dumped), str(self.dumped_callback))
        (folder / "dump_callback.yml").write_text(dump, encoding="utf-8")
        self.path.write_text(yaml.safe_dump(all_rulesets(folder), sort_keys=False), encoding="utf-8")
        self.polled = self.incident(source="QRadar", title="Known as 4711")
        sandbox.add_incidents(self.polled)
        high = variables("high")
        customers = {TAILSPIN: {"team_id": high.pop("team_id"), "offer": high.pop("offer")}}
        (folder / "customers.yml").write_text(yaml.safe_dump(customers), encoding="utf-8")
        given_variables = {
            **high,
            "customers_file": str(folder / "customers.yml"),
            "ticket_reference": "link",
            **variables("false_positives"),
            "title_pattern": "^known .*4711$",
            "comment": COMMENT,
            "report_dir": str(folder / "reports"),
            "webhook_secret": SECRET,
            "ticket_webhook_secret": TICKET_SECRET,
            "verify_timeout": 5,
        }
        (folder / "variables.yml").write_text(yaml.safe_dump(given_variables), encoding="utf-8")
        environment = {
            **sandbox.environment(),
            "CONTRAFORCE_WEBHOOK_SECRET": SECRET,
            "TICKET_WEBHOOK_SECRET": TICKET_SECRET,
            "EDA_CONTROLLER_URL": self.controller.url,
            "EDA_CONTROLLER_TOKEN": "a-token-of-the-controller",
            "EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.2",
        }
        self.rulebook = RulebookProcess(folder, self.path.name, folder / "variables.yml", environment, "-vv")

    def url(self, name: str) -> str:
        """Return the URL of a ruleset's webhook."""
        pattern = re.compile(rf"Listening on (http://\S+/{name})$", re.MULTILINE)
        self.wait(f"{name} listens", lambda: pattern.search(self.rulebook.output))
        found = pattern.search(self.rulebook.output)
        assert found
        return found[1]

    def wait(self, what: str, done: Callable[[], Any], seconds: float = 120) -> None:
        """Wait until a condition is true, or fail."""
        deadline = time.monotonic() + seconds
        while not done():
            assert self.rulebook.is_running(), self.rulebook.output[-5000:]
            assert time.monotonic() < deadline, f"waited until {what}:\n{self.rulebook.output[-5000:]}"
            time.sleep(0.1)

    def incident(self, **changes: Any) -> dict[str, Any]:
        """Return a new incident."""
        name = str(uuid.uuid4())
        place = {"workspaceId": NORTHWIND, "source": "Sentinel", "id": name, "number": 48213}
        return {**place, "status": "New", "severity": "Low", "title": f"Known thing {name} 4711", **changes}

    def deliver(self, name: str, *incidents: dict[str, Any], secret: str = SECRET, **how: Any) -> list[int]:
        """Add incidents, deliver their events, and return the statuses of the responses."""
        before = len(self.sandbox.deliveries()["entries"])
        self.sandbox.set_webhook(self.url(name), secret, **{"pause": 0.5, **how})
        self.sandbox.add_incidents(*incidents)
        return self.responses(before)

    def call(self, name: str, body: Any, header: str = "X-Webhook-Secret") -> None:
        """Send a callback of a ticketing system, which must be accepted."""
        request = urllib.request.Request(self.url(name), json.dumps(body).encode(), {header: TICKET_SECRET})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            assert json.load(answer) == {"status": "accepted"}

    def responses(self, before: int) -> list[int]:
        """Wait for all deliveries, and return the statuses of the new ones."""
        self.wait("everything is delivered", lambda: self.sandbox.deliveries()["waiting"] == 0)
        return [entry["status"] for entry in self.sandbox.deliveries()["entries"][before:]]

    def stored(self, incident: dict[str, Any]) -> dict[str, Any]:
        """Return the current state of an incident."""
        return next(dict(entry) for entry in self.sandbox.state()["incidents"] if entry["id"] == incident["id"])

    def wait_for_closure(self, incident: dict[str, Any]) -> None:
        """Wait until an incident is closed with the classification of the variables and one comment."""
        self.wait("the incident is closed", lambda: self.stored(incident)["status"] == "Closed")
        found = self.stored(incident)
        assert (found["classification"], found["classificationReason"]) == ("FalsePositive", "IncorrectAlertLogic")
        assert [comment["message"] for comment in found["comments"]] == [COMMENT]

    def runs(self) -> int:
        """Return the number of playbooks that have ended."""
        return self.rulebook.output.count("PLAY RECAP")

    def reads(self, incident: dict[str, Any]) -> int:
        """Return the number of requests for an incident."""
        return sum(incident["id"] in entry["path"] for entry in self.sandbox.journal()["entries"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Return a scene for all tests of this file. At the end, it must still run and have printed no secret."""
    with SandboxProcess() as sandbox:
        made = Scene(tmp_path_factory.mktemp("rulebooks"), sandbox)
        try:
            yield made
            assert made.rulebook.is_running()
        finally:
            made.rulebook.stop()
            made.controller.server.shutdown()
            made.controller.server.server_close()
    printed = made.rulebook.output
    secrets = [SECRET, TICKET_SECRET, sandbox.credentials["client_secret"], sandbox.ticketing["client_secret"]]
    assert "DEBUG" in printed
    assert [secret for secret in [*secrets, "a-token-of-the-controller"] if secret in printed] == []


def test_a_known_false_positive_is_closed_once(scene):
    """Even if it is delivered twice. Incidents with another severity or title stay open."""
    known, severe, other = scene.incident(), scene.incident(severity="High"), scene.incident(title="Unknown 4711")
    assert scene.deliver("close", severe, other, known, copies=2) == [200] * 6
    scene.wait_for_closure(known)
    assert [scene.stored(incident)["status"] for incident in (severe, other)] == ["New", "New"]
    assert scene.reads(severe) == scene.reads(other) == 0
    entries = scene.sandbox.deliveries()["entries"]
    assert sorted(json.loads(entry["answer"])["status"] for entry in entries) == ["accepted"] * 3 + ["duplicate"] * 3
    scene.wait("the report is written", lambda: list((scene.folder / "reports").glob("close_incident-*.html")))


def test_a_temporary_failure_is_retried(scene):
    """The event has the other encoding."""
    known = scene.incident()
    scene.sandbox.set_faults({"operation": "v2-get-incident", "status": 403, "code": "INSUFFICIENT_WORKSPACE_ROLE"})
    assert scene.deliver("close", known, encoding="base64") == [200]
    scene.wait_for_closure(known)
    assert "Previous run_playbook failed. Retry 1 of 2" in scene.rulebook.output
    assert scene.sandbox.journal()["faults_waiting"] == 0


def test_forged_events_are_refused_and_others_reported(scene):
    """An incident that cannot be identified is reported last, after all others were handled."""
    forged, stale = scene.incident(), scene.incident()
    assert scene.deliver("close", forged, signature="wrong", attempts=2) == [401, 401]
    assert scene.deliver("close", forged | {"id": str(uuid.uuid4())}, secret="another", attempts=1) == [401]
    assert scene.deliver("close", stale, age=400, attempts=1) == [401]
    assert scene.deliver("close", stale | {"id": str(uuid.uuid4())}, age=-400, encoding="base64", attempts=1) == [401]
    named = scene.incident(id="{{ 7 * 6 }}")
    assert scene.deliver("close", named) == [200]
    reported = "No playbook is run for an incident: The identifier of the incident contains"
    scene.wait("it is reported", lambda: reported in " ".join(scene.rulebook.output.split()))
    assert [scene.stored(incident)["status"] for incident in (forged, stale, named)] == ["New"] * 3
    assert scene.reads(forged) == scene.reads(stale) == 0


def test_titles_are_never_templates(scene):
    """Neither the rulebook nor the playbook, which does not receive the title, evaluates it."""
    hostile = scene.folder / "hostile"
    title = f"Known {{{{ lookup('ansible.builtin.pipe', 'touch {hostile}') }}}} {{% raw %}}\x1b\x00\u202e 4711"
    known, dumped = scene.incident(title=title), scene.incident(title=title)
    begun = scene.runs()
    assert scene.deliver("dump", dumped) == [200]
    assert scene.deliver("close", known) == [200]
    scene.wait_for_closure(known)
    scene.wait("the playbook has dumped", scene.dumped.exists)
    scene.wait("both have ended", lambda: scene.runs() >= begun + 2)
    given_to_playbook = json.loads(scene.dumped.read_text(encoding="utf-8"))
    event = given_to_playbook["eda"]["event"]
    assert set(event) == {"source", "incident_id", "incident_number", "account_id", "created_at", "title_sha256"}
    assert (event["incident_id"], event["incident_number"]) == (dumped["id"], "48213")
    more = {"classification_reason": "IncorrectAlertLogic", "comment": COMMENT}
    assert given_to_playbook["incidents"] == [{**event, **more}]
    assert given_to_playbook["eda"] == {"ruleset": "dump", "rule": "Close a known false positive", "event": event}
    assert "touch" not in scene.dumped.read_text(encoding="utf-8")
    assert not hostile.exists()


def test_a_ticket_is_opened_once_for_high_severity(scene):
    """The event is delivered twice, a file names the values of its customer, and the title is hostile."""
    title = "\x1b]0;owned\x07\x00\x9b31m \u202egnp.exe"
    alerts = [{"title": "{{ 7 * 7 }} <i>", "severity": "High", "productName": "Defender"}]
    details = {"description": "D", "alerts": alerts, "createdAt": "2026-11-20T10:00:00Z"}
    high = scene.incident(workspaceId=TAILSPIN, severity="High", title=title, **details)
    before, begun = len(scene.sandbox.state()["platform_tickets"]), len(scene.sandbox.journal()["entries"])
    assert scene.deliver("high", scene.incident(workspaceId=TAILSPIN, severity="Medium"), high) == [200, 200]
    scene.wait("the ticket is linked", lambda: scene.stored(high)["ticketId"])
    count = len(scene.sandbox.deliveries()["entries"])
    scene.sandbox.deliver_again(new_id=True)
    assert scene.responses(count) == [200]
    again = "1 ticket known already; 1 linked already."
    scene.wait("it has run again", lambda: again in scene.rulebook.output)
    tickets = scene.sandbox.state()["platform_tickets"]
    assert len(tickets) == before + 1
    (ticket,) = [entry for entry in tickets if str(entry["id_serial"]) == str(scene.stored(high)["ticketId"])]
    seen = "\ufffd]0;owned\ufffd\ufffd\ufffd31m \ufffdgnp.exe"
    assert ticket["summary"] == f"Sentinel incident {high['id']}: {seen}"
    shown = " ".join(map(str, ticket["data"].values()))
    assert "<p>D</p> <p>Alerts:<br>{{ 7 * 7 }} &lt;i&gt; (High, Defender)</p>" in shown
    journal = scene.sandbox.journal()["entries"]
    # Besides the polling source, only the run that opened the ticket listed incidents, for their details.
    lists = [entry["body"] for entry in journal[begun:] if "across-workspaces" in entry["path"]]
    assert [body["sources"] for body in lists if body.get("sources") != ["QRadar"]] == [["Sentinel"]]
    writes = [entry["operation"] for entry in journal if entry["took_effect"] and entry["status"] < 300]
    assert writes.count("v2-link-ticket") == writes.count("create-ticket") == 1


def test_the_polling_source_replaces_the_webhook(scene):
    """As the guide shows."""
    scene.wait_for_closure(scene.polled)
    assert scene.polled["id"] in (scene.folder / "state.json").read_text(encoding="utf-8")


def test_values_that_break_the_rule_engine_are_handled(scene):
    """The event and the next one are handled, despite keys and numbers that the rule engine cannot read."""
    odd, next_one = scene.incident(), scene.incident()
    scene.sandbox.set_webhook(None)
    scene.sandbox.add_incidents(odd)
    created = scene.stored(odd)["createdAt"]
    event = incident_created({**odd, "createdAt": created}, {"id": NORTHWIND})
    odd_values = '{"": 1, "a": 1e999, "b": 99999999999999999999}'
    whole = json.dumps(event.body).replace('"entities": []', f'"entities": [{odd_values}]')
    assert "1e999" in whole
    body, url = whole.encode(), scene.url("close")
    headers = Webhook(url, SECRET).headers(event, body, datetime.now(timezone.utc))
    request = urllib.request.Request(url, body, headers, method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 200
    assert scene.deliver("close", next_one) == [200]
    scene.wait_for_closure(odd)
    scene.wait_for_closure(next_one)


def test_the_rule_of_the_guide_works(scene):
    incident = scene.incident(source="QRadar", id="20950", title="Excessive FIREWALL denies", severity="Medium")
    assert scene.deliver("firewall", incident) == [200]
    scene.wait("it is printed", lambda: "Medium: {'created_at': '" in scene.rulebook.output)


def test_the_verdict_of_an_agent_matches_the_rule_of_the_guide(scene):
    incident = scene.incident(source="QRadar", id="20961", title="Beaconing", severity="Medium")
    assert scene.deliver("firewall", incident) == [200]
    count = len(scene.sandbox.deliveries()["entries"])
    named = {key: incident[key] for key in ("workspaceId", "source", "id")}
    for classification in ("TruePositive", "FalsePositive"):
        scene.sandbox.complete_investigations({**named, "classification": classification})
    assert scene.responses(count) == [200, 200]
    printed = "An agent found a false positive: {'created_at': '"
    scene.wait("it is printed", lambda: printed in scene.rulebook.output)
    assert scene.rulebook.output.count(printed) == 1


def test_a_callback_of_a_ticketing_system_as_in_the_guide(scene):
    """Its event has no free text of the ticket where a playbook can see it."""
    url = scene.url("tickets")
    (command,) = [code for code in blocks("events", "shell") if "$TICKET_WEBHOOK_SECRET" in code]
    (header,) = re.findall(r'-H "([\w-]+): \$TICKET_WEBHOOK_SECRET"', command)
    (shown,) = re.findall(r"-d '([^']+)'", command)
    texts = {"short_description": "{{ 7 * 6 }}", "note": TICKET_SECRET}
    body = json.dumps({**json.loads(shown), **texts}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, body, {header: TICKET_SECRET}), timeout=10) as answer:
        assert json.load(answer) == {"status": "accepted"}
    with pytest.raises(urllib.error.HTTPError, match="401") as refusal:
        opener.open(urllib.request.Request(url, body, {header: SECRET}), timeout=10)
    refusal.value.close()
    scene.wait("it is printed", lambda: "A ticket was closed: servicenow INC0012345" in scene.rulebook.output)
    scene.wait("the playbook has dumped", scene.dumped_callback.exists)
    event = json.loads(scene.dumped_callback.read_text(encoding="utf-8"))["eda"]["event"]
    assert event.pop("received_at").endswith("Z")
    assert event == {
        "ticket_system": "servicenow",
        "ticket_number": "INC0012345",
        "ticket_id": "1d5f0a2b3c4d5e6f708192a3b4c5d6e7",
    }


#: A ticket of ServiceNow in the sandbox, and its identifier.
TICKET, TICKET_ID = "INC0012347", "3f7b2c4d5e6f708192a3b4c5d6e7f809"
RESOLUTION = {"state": "6", "close_code": "Solution provided", "close_notes": "Done."}


def test_callbacks_close_the_incident_of_a_ticket_once(scene):
    """Neither a callback of an open ticket nor further ones of the closed ticket change anything."""
    incident, hostile = scene.incident(), scene.folder / "hostile_ticket"
    scene.sandbox.set_webhook(None)
    scene.sandbox.add_incidents(incident)
    scene.sandbox.edit(TICKET, {"correlation_id": f"Sentinel {incident['id']} {NORTHWIND}"})
    texts = {"short_description": f"{{{{ lookup('ansible.builtin.pipe', 'touch {hostile}') }}}}"}

    def call(expected: int, **body: str) -> None:
        """Send a callback, and wait until a number of further runs had nothing to do."""
        said = "Nothing to do: no open incident has a ticket that was closed."
        count = scene.rulebook.output.count(said) + expected
        scene.call("resolved", {**texts, **body})
        scene.wait("the playbook has ended", lambda: scene.rulebook.output.count(said) >= count)

    call(1, number=TICKET)
    assert scene.stored(incident)["status"] == "New"
    scene.sandbox.edit(TICKET, RESOLUTION)
    call(0, sys_id=TICKET_ID)
    scene.wait("the incident is closed", lambda: scene.stored(incident)["status"] == "Closed")
    closed, writes = scene.stored(incident), scene.sandbox.journal()["writes"]
    assert (closed["classification"], closed["classificationReason"]) == ("TruePositive", "SuspiciousActivity")
    assert [comment["message"] for comment in closed["comments"]] == [
        f"Closed with its ticket.\n\n[ticket {TICKET} closed]"
    ]
    call(1, number=TICKET, sys_id=TICKET_ID)
    call(1, number=TICKET)
    assert (scene.stored(incident), scene.sandbox.journal()["writes"]) == (closed, writes)
    assert not hostile.exists()


def test_callback_of_an_unknown_ticket_fails(scene):
    before = scene.sandbox.journal()["writes"]
    scene.call("resolved", {"number": "INC9999999"})
    reported = "Ticket INC9999999 could not be read."
    scene.wait("it has failed, also when retried", lambda: scene.rulebook.output.count(reported) >= 3)
    assert scene.sandbox.journal()["writes"] == before
    assert scene.rulebook.is_running()


def test_callback_starts_a_job_template_on_automation_platform(scene):
    """The extra variables match its survey, and the number of the ticket remains a text."""
    scene.call("ticket_platform", {"number": "0041877", "note": "{{ evil }}"})
    name = "Close the incidents of closed tickets"
    scene.wait("a job is started", lambda: name in dict(scene.controller.launched))
    body = dict(scene.controller.launched)[name]
    eda = body["extra_vars"].pop("ansible_eda")
    template = configured().one("job_template", name)
    survey = {question["variable"]: question for question in template["survey_spec"]["spec"]}
    assert set(body["extra_vars"]) <= set(survey)
    assert {variable for variable, question in survey.items() if question["required"]} <= set(body["extra_vars"])
    assert parse_text(body["extra_vars"]["closed_tickets"], "list", "str") == ["0041877"]
    assert eda["event"]["ticket_number"] == "0041877"
    assert "evil" not in json.dumps(body)


def test_a_job_template_for_automation_platform(scene):
    """The extra variables match the survey of the job template, and contain no free text of the event."""
    title = "Excessive firewall denies from one host"
    incident = scene.incident(title=title, description="{{ evil }}")
    assert scene.deliver("platform", incident) == [200]
    name = "Close incidents"
    scene.wait("a job is started", lambda: name in dict(scene.controller.launched))
    body = dict(scene.controller.launched)[name]
    assert set(body) == {"limit", "extra_vars"}
    # The controller drops variables without a question.
    eda = body["extra_vars"].pop("ansible_eda")
    template = configured().one("job_template", name)
    survey = {question["variable"]: question for question in template["survey_spec"]["spec"]}
    assert set(body["extra_vars"]) <= set(survey)
    assert {variable for variable, question in survey.items() if question["required"]} <= set(body["extra_vars"])
    assert all(isinstance(value, str) for value in body["extra_vars"].values())
    (entry,) = yaml.safe_load(body["extra_vars"]["incidents"])
    assert (entry["source"], entry["incident_id"]) == ("Sentinel", incident["id"])
    assert eda["event"] == entry
    assert "evil" not in json.dumps(body)
    assert title not in json.dumps(body)
    assert scene.controller.token == {"Bearer a-token-of-the-controller"}


# --- without a rulebook ----------------------------------------------------------------------------------------------


def test_the_guide_shows_the_variables_files():
    for name, example in EXAMPLES.items():
        shipped = variables(name)
        port = shipped.pop("webhook_port")
        assert captioned(f"{example}.yml") == shipped
        assert port == (5001 if name == RESOLVED else 5000)
    assert captioned("inventory.yml") == yaml.safe_load(INVENTORY)
    of_the_runbook = captioned("tickets.yml", "runbook_open_ticket")
    assert captioned("high.yml") == {key: value for key, value in of_the_runbook.items() if key != "incidents"}


def test_all_rulebook_variables_are_documented():
    """They are in the table of the guide, and in the variables files, at least as comments."""
    table = set(re.findall(r"``(\w+)``", PAGES["events"].split("\nVariables\n")[1].split("The tickets for")[0]))
    for name, example in EXAMPLES.items():
        text = (EDA / "rulebooks" / f"{name}.yml").read_text(encoding="utf-8")
        used = set(re.findall(r"vars\.(\w+)", text))
        for expression in re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL):
            bare = re.sub(r"'[^']*'|\|\s*\w+|\b\w+=|\bevent\.\w+|\bis defined\b", " ", expression)
            used |= set(re.findall(r"\b[a-z]\w+\b", bare)) - {"event", "dict", "false"}
        assert used - table == set()
        shipped = (EDA / "variables" / f"{example}.yml").read_text(encoding="utf-8")
        assert used == set(re.findall(r"^(?:# )?(\w+):", shipped, re.MULTILINE))


def test_further_variables_are_options_of_the_source():
    further = captioned("further variables")
    options = set(WEBHOOK_SPEC)
    assert {name.removeprefix("webhook_") for name in further} <= options
    for name, (plugin, spec) in SOURCES.items():
        (ruleset,) = rulebook(name)
        source = ruleset["sources"][0][plugin]
        assert set(source) <= set(spec)
        assert {f"webhook_{option}" for option in source} >= set(further)
        for option, value in source.items():
            assert f"webhook_{option} | default(" in value or option == "ticket_system"


def test_the_guide_lists_all_response_statuses():
    files = [
        Path(str(module.__file__)) for module in (webhooks, webhook_callbacks, webhook_dispatcher, webhook_receiver)
    ]
    answered = {found for file in files for found in re.findall(r"RefusalError\((\d{3})", file.read_text("utf-8"))}
    table = PAGES["events"].split("\nResponse codes\n")[1].split("\nEach refusal")[0]
    assert len(answered) > 4
    assert answered <= set(re.findall(r"\b\d{3}\b", table))


def test_the_sandbox_commands_of_the_guide_work(sandbox):
    """The incidents of the guide match the pattern and one of the severities of the variables."""
    (code,) = [code for code in blocks("events", "shell") if "/_sandbox/incidents" in code]
    commands = re.findall(r"curl (?:-X (\w+) )?\"\$CONTRAFORCE_URL/_sandbox/([\w/]+)\"(?: -d '([^']*)')?", code)
    assert len(commands) == code.count("curl ") == 6
    sandbox.set_webhook("http://127.0.0.1:1/", "x", attempts=1)
    for method, name, body in commands:
        sandbox.control(method or "GET", name, json.loads(body) if body else None)
    raised = json.loads(next(body for _method, name, body in commands if name == "incidents"))
    pattern = captioned("false_positives.yml")["title_pattern"]
    assert all(re.search(pattern, incident["title"], re.IGNORECASE) for incident in raised)
    assert [incident["severity"] in variables("false_positives")["severities"] for incident in raised] == [True, False]


def test_the_webhook_settings_of_the_guide_work(sandbox):
    (code,) = blocks("rehearse", "json")
    sandbox.control("PUT", "webhook", json.loads(code))
    sandbox.control("PUT", "webhook", None)


def test_the_rulebook_passes_all_variables_of_a_callback_to_its_runbook():
    """Only those of the list of tickets, the limits, and the speed are not needed for one ticket."""
    (ruleset,) = rulebook(RESOLVED)
    passed = set(ruleset["rules"][0]["action"]["run_playbook"]["extra_vars"])
    for system in system_names():
        known = set(runbook_spec("close_resolved", with_ticket_system(read_table(), system)))
        needless = {"closed_since", "closed_within_hours", "max_tickets", "max_incidents", "incidents_within_days"}
        assert known - passed == {*needless, "concurrency", "reference", "portal_url"}
        others = {name for other in all_systems() for name in other.variable_names}
        assert passed - known <= others


def test_the_guide_starts_all_rulebooks():
    commands = [line for code in blocks("events", "shell") for line in code.splitlines()]
    started = [line for line in commands if line.startswith("ansible-rulebook ")]
    names = {re.search(r"--rulebook (?:secops\.itsm\.)?(\w+)", line)[1] for line in started}
    assert names == set(EXAMPLES)
    examples = "|".join(EXAMPLES.values())
    assert all(re.search(rf" --vars ({examples})\.yml --inventory inventory\.yml( -v)?$", line) for line in started)


def test_the_demo_of_events_succeeds():
    """It uses the FQCN of the rulebook and its variables file."""
    demo = ROOT / "tests" / "tools" / "demo_events.py"
    done = subprocess.run(
        [sys.executable, str(demo)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert [line[:4] for line in done.stdout.splitlines() if line.startswith(("yes", "NO"))] == ["yes "] * 7

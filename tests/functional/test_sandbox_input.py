# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox refuses invalid seeds and control requests with one sentence that names the place."""

from __future__ import annotations

import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.tests.sandbox import __main__ as command
from ansible_collections.secops.itsm.tests.sandbox import seed
from ansible_collections.secops.itsm.tests.sandbox.app import Sandbox
from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.deliveries import Deliveries
from ansible_collections.secops.itsm.tests.sandbox.faults import Fault
from ansible_collections.secops.itsm.tests.sandbox.input_validation import CONTROL_SCHEMA, SEED_SCHEMA, check
from ansible_collections.secops.itsm.tests.sandbox.profile import Profile, ServiceNowProfile, TicketingProfile
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed, SeedError
from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook

NORTHWIND, INCIDENT_ID = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
STATUS, HOSTS = "a1c0ffee-0001-4000-8000-000000000004", "a1c0ffee-0001-4000-8000-000000000005"
INCIDENT = {"workspaceId": NORTHWIND, "source": "Sentinel", "id": "1", "severity": "Low", "status": "New"}
WEBHOOK = {"url": "http://127.0.0.1:1/", "secret": "x"}
PLACE = "ticketing.tenants.0"
SEED = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
CLIENTS = SEED["ticketing"]["clients"][:1]
TENANT = {**SEED["ticketing"]["tenants"][1], "tickets": SEED["ticketing"]["tenants"][1]["tickets"][:1]}
DOCUMENTS = {
    "urn:control": yaml.safe_load(CONTROL_SCHEMA.read_text(encoding="utf-8")),
    "urn:seed": yaml.safe_load(SEED_SCHEMA.read_text(encoding="utf-8")),
    "urn:contract": contraforce_contract().document,
}
FAULT = {**asdict(Fault()), "status": 503, "headers": {"Retry-After": "7"}, "replace": {"data": 1}, "remove": ["data"]}
del FAULT["struck"]
ACCESS = {"table": "incident", "operation": "read", "columns": ["state"], "where": "state=2"}
RULE = {"table": "incident", "name": "x", "on": "update", "when": "state=6", "refuse": False, "set": {"state": "2"}}
TABLE = {
    "label": "Case",
    "extends": "task",
    "prefix": "CASE",
    "read": ["itil"],
    "columns": {"u_owner": {"label": "Owner", "type": "reference", "reference": "sys_user", "max_length": 32}},
    "choices": {"state": {"1": "Open", "9": "Done"}},
    "closed_states": ["9"],
}
#: The keys of ``servicenow`` that are not fields of the profile.
OWN_KEYS = ["access", "rules"]
VALID: dict[str, Any] = {
    "reset": {
        "profile": asdict(Profile()),
        "ticketing": asdict(TicketingProfile()),
        "servicenow": {**asdict(ServiceNowProfile()), "access": [ACCESS], "rules": [RULE]},
        "faults": [FAULT],
        "edits": [{"operation": "get-ticket", "object_id": "CTC-0041", "fields": {HOSTS: 1}, "times": 2}],
        "crowd": 100_000,
    },
    "edit": {"object_id": "CTC-0041", "fields": {HOSTS: 1}},
    "investigations": [{name: INCIDENT[name] for name in ("workspaceId", "source", "id")}],
    "incidents": [{**INCIDENT, "createdAt": "2026-11-21T03:00:00Z", "comments": [{"id": "1", "message": "x"}]}],
    "webhook": asdict(Webhook(**WEBHOOK)),
    "again": {"new_id": True},
    "seed": {
        **SEED,
        "incidents": SEED["incidents"][:2],
        "ticketing": {"clients": CLIENTS, "tenants": [TENANT]},
        "servicenow": {**SEED["servicenow"], "tables": {"u_case": TABLE}},
    },
}
KINDS = {
    str: {"string"},
    bool: {"boolean"},
    int: {"integer", "number"},
    float: {"number"},
    type(None): {"null"},
    list: {"array"},
    dict: {"object"},
}


def resolved(schema: Any, uri: str) -> tuple[Any, str]:
    """Return a schema with its references replaced, and the URI of its document."""
    while "$ref" in schema:
        place, _hash, pointer = schema["$ref"].partition("#")
        uri = place or uri
        target = DOCUMENTS[uri]
        for part in filter(None, pointer.split("/")):
            target = target[part]
        schema = target
    return schema, uri


def wrong_values(schema: Any) -> Iterator[tuple[Any, list[str]]]:
    """Yield values that a schema does not allow, with the facts of the refusal."""
    kinds, words = schema.get("type", []), schema.get("enum", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    for wrong in ("nonsense", 7, 1.0, True, None, [], {}):
        if kinds.isdisjoint(KINDS[type(wrong)]) and (kinds or words) and wrong not in words:
            yield wrong, [str(word) for word in words if word]
    if "title" in schema:
        yield "nonsense", [schema["title"]]
    if "minLength" in schema:
        yield "", ["not empty"] if kinds == {"string"} else []
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in schema:
            yield schema[bound] + step, [str(schema[bound])]


def mutations(schema: Any, value: Any, uri: str, place: str) -> Iterator[tuple[str, Any, list[str]]]:
    """Yield the place of each error that can be made in a value, the wrong value, and the facts of the refusal."""
    schema, uri = resolved(schema, uri)
    if schema.get("additionalProperties") is False:
        yield place, {**value, "moods": 1}, ["unknown keys: moods", *schema["properties"]]
    for name in schema.get("required", []):
        yield place, {key: part for key, part in value.items() if key != name}, [f"lacks required keys: {name}"]
    yield from ((place, wrong, facts) for wrong, facts in wrong_values(schema))
    parts = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for name, part in parts:
        inner = schema.get("items") or schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if inner:
            yield from mutations(inner, part, uri, f"{place}.{name}")


def changed(value: Any, place: str, new: Any) -> Any:
    """Return a copy of a value with a part replaced, or removed if the new value is ``...``."""
    if not place:
        return new
    value = copy.deepcopy(value)
    *outer, last = (int(part) if part.isdigit() else part for part in place.split("."))
    inner = value
    for part in outer:
        inner = inner[part]
    if new is ...:
        del inner[last]
    else:
        inner[last] = new
    return value


MUTATIONS = {
    name: list(
        mutations({"$ref": "urn:seed" if name == "seed" else f"urn:control#/$defs/{name}"}, value, "urn:control", name)
    )
    for name, value in VALID.items()
}


@pytest.mark.parametrize("name", VALID)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_mutated_input_is_refused_with_place_and_known_words(name, data):
    place, wrong, facts = data.draw(st.sampled_from(MUTATIONS[name]))
    with pytest.raises(ValueError, match=place) as refusal:
        check(name, changed(VALID[name], place.removeprefix(name).lstrip("."), wrong))
    message = str(refusal.value)
    assert message.startswith(f"{place} ")
    assert [fact for fact in facts if fact not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("again", {"old": 1, "id": 2}, "again has unknown keys: old, id (known keys: new_id)"),
        ("webhook", {}, "webhook lacks required keys: url, secret"),
        ("reset", {"profile": {"ids": 1}}, "reset.profile.ids is 1, but must be one of native, string"),
        ("reset", {"crowd": True}, "reset.crowd is true, but must be an integer from 0 to 100000"),
        (
            "webhook",
            {**WEBHOOK, "url": "http://x@127.0.0.1/"},
            'webhook.url is "http://x@127.0.0.1/", but must be a URL that begins with http:// or https://',
        ),
        ("faults", [{"status": "5" * 99}], f'faults.0.status is "{"5" * 59}..., but must be an integer or null from'),
    ],
)
def test_refusal_is_one_sentence(name, value, message):
    with pytest.raises(ValueError, match=name) as refusal:
        check(name, value)
    assert str(refusal.value).startswith(message)


def test_valid_input_is_accepted():
    for name, value in VALID.items():
        check(name, value)
    for name in ("reset", "webhook", "again"):
        check(name, None)
    check("faults", [{"status": None, "latency": 1, "code": None}])


def test_fields_of_profiles_are_those_of_the_schema():
    definitions = DOCUMENTS["urn:control"]["$defs"]
    assert list(definitions["profile"]["properties"]) == list(asdict(Profile()))
    assert list(definitions["ticketing"]["properties"]) == list(asdict(TicketingProfile()))
    assert list(definitions["servicenow"]["properties"]) == [*asdict(ServiceNowProfile()), *OWN_KEYS]


@pytest.fixture(scope="module")
def own() -> Sandbox:
    """A sandbox without a server."""
    return Sandbox(Seed.load(SEED_FILE))


@pytest.mark.parametrize(
    "body, fact",
    [
        ({"faults": [{"operation": "v2-update-incident-statuss"}]}, "v2-update-incident-status,"),
        ({"faults": [{"headers": {"Retry After": "7"}}]}, "Retry After"),
        ({"faults": [{"headers": {"X-Split": "a\r\nb: c"}}]}, "X-Split"),
        ({"faults": [{"headers": {"Content-Length": "7"}}]}, "Content-Length"),
        ({"edits": [{"operation": "v2-link-ticket", "object_id": "CTC-0041", "fields": {}}]}, "update-ticket,"),
        ({"edits": [{"operation": "list-tickets", "fields": {}}]}, "object_id"),
        ({"ticketing": {"stale": 404}}, "409, 412, 400"),
    ],
    ids=str,
)
def test_refused_reset_changes_nothing(own, body, fact):
    own.reset({"faults": [{"status": 503}], "profile": {"spelling": "lower"}})
    with pytest.raises(ValueError, match=fact):
        own.reset({**body, "profile": {"spelling": "upper"}})
    assert (own.dispatcher.faults.waiting, own.contraforce.profile.spelling) == (1, "lower")


@pytest.mark.parametrize(
    "object_id, fields, fact",
    [
        ("CTC-9999", {HOSTS: 1}, "CTC-9999"),
        ("CTC-0041", {"a1c0ffee": 1}, "a1c0ffee"),
        ("CTC-0041", {HOSTS: "many"}, "Affected Hosts"),
        ("CTC-0041", {STATUS: "Gone"}, "Resolved"),
    ],
)
def test_edit_that_the_ticket_cannot_have_is_refused(own, object_id, fields, fact):
    own.reset(None)
    with pytest.raises(ValueError, match=fact):
        own.edit({"object_id": object_id, "fields": fields})
    assert own.ticketing.store.find("CTC-0041").record["version"] == 2


@pytest.mark.parametrize(
    "change, fact",
    [
        ({"id": INCIDENT_ID}, "twice in incidents"),
        ({"ticketId": "T0"}, "the ticket T0, which Autotask"),
        ({"workspaceId": UNKNOWN}, f"unknown workspace {UNKNOWN}"),
    ],
)
def test_incident_with_a_wrong_reference_is_refused(own, change, fact):
    own.reset({})
    with pytest.raises(ValueError, match=fact):
        own.add_incidents([{**INCIDENT, "id": "2"}, {**INCIDENT, **change}])
    assert len(own.contraforce.incidents) == len(SEED["incidents"])


def test_webhook_on_another_host_is_refused():
    deliveries = Deliveries(Webhook("http://own.invalid:2/", "x"))
    for host in ("localhost", "[::1]", "own.invalid"):
        deliveries.subscribe({**WEBHOOK, "url": f"http://{host}:1/"})
    for host in ("192.0.2.1", "127.0.0.1.example", "other.invalid"):
        with pytest.raises(ValueError, match=f"{host}, which only the option --webhook-url"):
            deliveries.subscribe({**WEBHOOK, "url": f"http://{host}/"})
    assert deliveries.webhook.url == "http://own.invalid:1/"


@pytest.mark.parametrize(
    "place, value, fact",
    [
        ("workspaces.1.id", NORTHWIND.upper(), "twice in workspaces"),
        ("users.1.email", "ANALYST@northwind.example", "twice in users"),
        ("tickets.1.id", 41877, "Autotask 41877 occurs twice in tickets"),
        ("incidents.0.ticketId", "INC0012345", "INC0012345, which Autotask does not have"),
        ("incidents.13.ticketId", "CTC-9999", "CTC-9999, which Jira does not have"),
        ("incidents.1.id", INCIDENT_ID.upper(), "twice in incidents"),
        ("workspaces.3.tickets_from", UNKNOWN, f"unknown tenant {UNKNOWN}"),
        ("ticketing.clients.0.tenant", UNKNOWN, f"unknown tenant {UNKNOWN}"),
        ("ticketing.clients.1.id", "itsm-runbook", "itsm-runbook occurs twice in clients"),
        ("ticketing.clients.1.api_key", "sandbox+api/key=0123456789", "twice in api_keys"),
        ("ticketing.tenants.1.id", "820188FF-2036-4924-B80F-D11610735D86", "twice in tenants"),
        ("ticketing.tenants.1.prefix", "CTC-", "CTC- occurs twice in prefixes"),
        (f"{PLACE}.ticket_types.1.id", "16910", "16910 occurs twice in ticket types"),
        (f"{PLACE}.ticket_types.1.status.field", UNKNOWN, "categories of ticket type 16920 differ"),
        (f"{PLACE}.ticket_types.1.status.categories", {"Open": "to_do"}, "categories of ticket type 16920 differ"),
        (f"{PLACE}.offers.0.item_type", "16999", "unknown ticket type 16999"),
        (f"{PLACE}.offers.1.id", "23629", "23629 occurs twice in offers"),
        (f"{PLACE}.tickets.1.object_id", "CTC-0040", "CTC-0040 occurs twice in platform tickets"),
        (f"{PLACE}.tickets.0.object_id", "REQ-0040", "not named CTC- and at least four digits"),
        (f"{PLACE}.tickets.0.team", "nowhere", "unknown team nowhere"),
        (f"{PLACE}.tickets.0.offer", "23629", "not one of its ticket type"),
        (f"{PLACE}.tickets.0.fields", {}, "Field Incident Reference is required"),
        ("servicenow.accounts.1.user_name", "itsm.runbook", "itsm.runbook occurs twice in user_names of ServiceNow"),
        ("servicenow.records.nothing", [], "unknown table nothing"),
        ("servicenow.records.incident.0.nothing", "1", "incident has the unknown column nothing"),
        ("servicenow.records.incident.0.sys_id", "INC0012347", "sys_id of incident is INC0012347, but must be 32 hexa"),
        ("tickets.2.id", "INC0012345", "sys_id of incident is INC0012345, but must be 32 hexadecimal digits"),
        ("servicenow.records.incident.0.company", "0", "company of INC0012347 names the unknown record 0"),
        ("servicenow.records.incident.0.number", "INC0012345", "INC0012345 occurs twice in incidents of ServiceNow"),
        ("servicenow.records.incident.0.opened_at", "today", "opened_at of incident is today, but must be a date"),
        ("servicenow.tables", {"u_case": {"extends": "nothing"}}, "table u_case extends the unknown table nothing"),
        ("servicenow.tables", {"u_a": {"extends": "u_b"}, "u_b": {"extends": "u_a"}}, "table u_b extends itself"),
    ],
)
def test_seed_with_a_wrong_reference_is_refused(monkeypatch, place, value, fact):
    # Reading YAML takes far longer than the checks.
    monkeypatch.setattr(seed, "_content", lambda _path: changed(SEED, place, value))
    with pytest.raises(SeedError, match=fact):
        Seed.load(SEED_FILE)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"a: [", b"\xff", b"a: &a [*a]", b"a: !!python/object:x.Y {}", b'a: "\\ud800"', b"a: .nan"],
    ids=repr,
)
def test_seed_that_is_not_a_mapping_is_refused(tmp_path, content):
    path = tmp_path / "seed.yml"
    path.write_bytes(content)
    with pytest.raises(SeedError, match=f"{path} cannot be used: [^\n]*$"):
        Seed.load(path)


@pytest.mark.parametrize(
    "words, error",
    [
        (["--webhook-url", "127.0.0.1:5000"], 'webhook.url is "127.0.0.1:5000", but must be a URL'),
        (["--webhook-url", "http://["], 'webhook.url is "http://["'),
        (["--webhook-url", "http://x/", "--webhook-secret-file", "none"], "none cannot be read: No such file"),
        (["--webhook-url", "http://x/", "--webhook-secret-file", "empty"], "empty does not contain one line"),
    ],
)
def test_command_line_with_a_wrong_webhook_is_refused(tmp_path, monkeypatch, capsys, words, error):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Seed, "load", lambda *_arguments: None)
    Path("empty").write_text("\n", encoding="utf-8")
    assert command.main(words) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"sandbox: {error}")
    assert errors.count("\n") == 1

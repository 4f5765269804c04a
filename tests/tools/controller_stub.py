# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stub of the AWX API for configure_controller.yml and the modules of awx.awx. It does not run jobs.

It stores objects, and refuses the same invalid requests as AWX: unknown names, playbooks that the project does not
contain, and invalid surveys and injectors.

  python tests/tools/controller_stub.py --project playbooks/awx/project
"""

from __future__ import annotations

import argparse
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import parse_qsl, urlsplit

#: Associations of objects, each with a list of its own.
ASSOCIATIONS = (
    "credentials",
    "success_nodes",
    "failure_nodes",
    "always_nodes",
    "notification_templates_started",
    "notification_templates_success",
    "notification_templates_error",
    "notification_templates_approvals",
)

#: The kinds of unified job templates.
STARTABLE = ("job_templates", "workflow_job_templates", "projects", "workflow_approval_templates")

#: The fields of an approval. AWX ignores the others that the modules send.
APPROVAL_FIELDS = ("name", "description", "timeout")

#: Lines by which AWX recognizes playbooks. It supports FQCNs since AWX 21.2.
PLAYBOOK = re.compile(r"^\s*?-?\s*?(hosts|(ansible\.builtin\.)?(include|import_playbook)):", re.MULTILINE)

#: The values of fields that are unset or null.
DEFAULTS = {"inventories": {"kind": ""}}

#: The unique fields, if they are not name and organization. None: no fields are unique.
UNIQUE = {
    "credential_types": ("name",),
    "execution_environments": ("name",),
    "hosts": ("name", "inventory"),
    "inventory_sources": ("name", "inventory"),
    "schedules": ("name", "unified_job_template"),
    "workflow_job_template_nodes": None,
    "workflow_approval_templates": None,
    "project_updates": None,
}

#: The types of questions, and those of their defaults.
QUESTIONS = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}

Thing = dict[str, Any]


class RefusedError(Exception):
    """AWX responds with 400.

    :param errors: the problems by field.
    """

    def __init__(self, errors: Thing) -> None:
        super().__init__(str(errors))
        self.errors = errors


def playbooks_of(project: Path) -> set[str]:
    """Return the playbooks that AWX finds in a project.

    :param project: the directory of the project.
    """
    found = (path for path in project.rglob("*.y*ml") if PLAYBOOK.search(path.read_text(encoding="utf-8")))
    return {path.relative_to(project).as_posix() for path in found}


def check_survey(survey: Thing) -> None:
    """Check a survey as AWX does.

    :param survey: the survey.
    :raises RefusedError: if a question is invalid.
    """
    names = [question.get("variable") for question in survey["spec"]]
    if len(set(names)) != len(names) or not names:
        raise RefusedError({"error": f"questions are missing or duplicate: {names}"})
    for question in survey["spec"]:
        default, choices = question.get("default", ""), question.get("choices", "").splitlines()
        kind = QUESTIONS.get(question.get("type", ""))
        if kind is None or not isinstance(question.get("required"), bool) or not question.get("question_name"):
            raise RefusedError({"error": f"type, question_name or required is missing: {question}"})
        if default != "" and not isinstance(default, kind):
            raise RefusedError({"error": f"the default is not of type {kind.__name__}: {question}"})
        if question["type"].startswith("multi") and not (choices and set(str(default).splitlines()) <= set(choices)):
            raise RefusedError({"error": f"choices are missing, or do not contain the default: {question}"})


def check_credential_type(thing: Thing) -> None:
    """Check a credential type as AWX does.

    :param thing: the credential type.
    :raises RefusedError: if an input or an injector is invalid.
    """
    for field in thing["inputs"]["fields"]:
        odd = set(field) - {"id", "label", "type", "secret", "choices", "help_text", "multiline", "format", "default"}
        if odd or not {"id", "label"} <= set(field):
            raise RefusedError({"inputs": f"{field}"})
        if field["type"] == "boolean" and {"secret", "choices", "multiline"} & set(field):
            raise RefusedError({"inputs": f"only strings can be secret, multiline or have choices: {field}"})
    for name in thing["injectors"].get("env", {}):
        if name.startswith("ANSIBLE_") or not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name):
            raise RefusedError({"injectors": f"{name} is not allowed"})


class Store:
    """The objects of the controller.

    :param project: the directory of the project, for any URL.
    """

    def __init__(self, project: Path) -> None:
        self.playbooks = playbooks_of(project)
        self.things: dict[str, list[Thing]] = {}
        self.linked: dict[str, list[int]] = {}
        self.surveys: dict[str, Thing] = {}
        self.writes = 0
        self._last = 0
        self.create("organizations", {"name": "Default"})

    def create(self, kind: str, given: Thing) -> Thing:
        """Create an object and return it.

        :param kind: the last part of its list's URL.
        :param given: its fields.
        """
        self._last += 1
        url = f"/api/v2/{kind}/{self._last}/"
        subs = ("survey_spec", "update", *ASSOCIATIONS)
        thing = {
            "id": self._last,
            "type": kind.removesuffix("s").replace("inventorie", "inventory"),
            "url": url,
            "related": {name: f"{url}{name}/" for name in subs},
            "summary_fields": {},
            **({"scm_revision": "1" * 40} if kind == "projects" else {}),
            **DEFAULTS.get(kind, {}),
        }
        self._check_unique(kind, given)
        self.things.setdefault(kind, []).append(thing)
        return self.update(kind, thing, given)

    def update(self, kind: str, thing: Thing, given: Thing) -> Thing:
        """Update an object and return it.

        :param kind: the last part of its list's URL.
        :param thing: the object.
        :param given: the changed fields.
        :raises RefusedError: if AWX would refuse it.
        """
        if kind == "credential_types":
            check_credential_type(given)
        if kind == "job_templates" and given["playbook"] not in self.playbooks:
            raise RefusedError({"playbook": ["Playbook not found for project."]})
        if kind == "schedules" and not re.match(r"DTSTART\S*:\d{8}T\d{6}Z RRULE:.*INTERVAL=", given["rrule"]):
            raise RefusedError({"rrule": [given["rrule"]]})
        given = {name: DEFAULTS.get(kind, {}).get(name) if value is None else value for name, value in given.items()}
        known = APPROVAL_FIELDS if kind == "workflow_approval_templates" else tuple(given)
        thing.update({name: value for name, value in self._hidden(kind, given).items() if name in known})
        return thing

    def _check_unique(self, kind: str, given: Thing) -> None:
        """Refuse a second object with the same unique fields."""
        fields = UNIQUE.get(kind, ("name", "organization"))
        if fields and any(all(each.get(f) == given.get(f) for f in fields) for each in self.things.get(kind, [])):
            raise RefusedError({"__all__": [f"{kind} with this {' and '.join(fields)} already exists."]})

    def _hidden(self, kind: str, given: Thing) -> Thing:
        """Return fields as AWX shows them, without secrets."""
        if kind != "credentials" or "inputs" not in given:
            return given
        types = {thing["id"]: thing for thing in self.things["credential_types"]}
        fields = types[given["credential_type"]]["inputs"]["fields"]
        secret = {field["id"] for field in fields if field.get("secret")}
        unknown = set(given["inputs"]) - {field["id"] for field in fields}
        if unknown:
            raise RefusedError({"inputs": [f"not of this type: {unknown}"]})
        shown = {name: "$encrypted$" if name in secret else value for name, value in given["inputs"].items()}
        return {**given, "inputs": shown}

    def find(self, kind: str, wanted: Mapping[str, str]) -> list[Thing]:
        """Return the objects of a list.

        :param kind: the last part of its URL.
        :param wanted: the query; names with ``or__`` are alternatives.
        """
        kinds = STARTABLE if kind == "unified_job_templates" else (kind,)
        either = {name[4:]: value for name, value in wanted.items() if name.startswith("or__")}
        each = {name: value for name, value in wanted.items() if not name.startswith("or__")}
        things = [thing for one in kinds for thing in self.things.get(one, [])]
        return [
            thing
            for thing in things
            if all(str(thing.get(name)) == value for name, value in each.items())
            and (not either or any(str(thing.get(name)) == value for name, value in either.items()))
        ]

    def named(self, kind: str, number: str) -> Thing:
        """Return an object.

        :param kind: the last part of its list's URL.
        :param number: its ID.
        :raises LookupError: if it does not exist.
        """
        found = self.find(kind, {"id": number})
        if not found:
            raise LookupError(number)
        return found[0]

    def respond(self, method: str, parts: list[str], query: Mapping[str, str], body: Thing) -> tuple[int, Any]:
        """Return the status and the body of a response.

        :param method: the HTTP method.
        :param parts: the parts of the path after the version.
        :param query: the query of the URL.
        :param body: the body of the request.
        :raises LookupError: if the object does not exist.
        :raises RefusedError: if AWX would refuse the request.
        """
        self.writes += method != "GET"
        kind, *rest = parts
        if not rest:
            return (200, _page(self.find(kind, query))) if method == "GET" else (201, self.create(kind, body))
        thing = self.named(kind, rest[0])
        if len(rest) == 1:
            return 200, self.update(kind, thing, body) if method == "PATCH" else thing
        return self._of_thing(method, thing, rest[1], body)

    def _of_thing(self, method: str, thing: Thing, name: str, body: Thing) -> tuple[int, Any]:
        """Return the response of an object's lists and actions."""
        address = f"{thing['url']}{name}/"
        if name == "survey_spec":
            if method == "POST":
                check_survey(body)
                self.surveys[address] = body
            return 200, self.surveys.get(address, {})
        if name == "update":
            done = {"status": "successful", "failed": False, "finished": "now", "scm_revision": thing["scm_revision"]}
            return 202, self.create("project_updates", done)
        if name == "create_approval_template":
            template = self.create("workflow_approval_templates", body)
            thing["unified_job_template"] = template["id"]
            thing["related"]["unified_job_template"] = template["url"]
            return 201, template
        if name not in ASSOCIATIONS:
            raise LookupError(name)
        linked = self.linked.setdefault(address, [])
        if method == "GET":
            return 200, _page([{"id": number} for number in linked])
        linked.remove(body["id"]) if body.get("disassociate") else linked.append(body["id"])
        return 204, None


def _page(things: list[Thing]) -> Thing:
    return {"count": len(things), "next": None, "previous": None, "results": things}


def handler_of(store: Store) -> type[BaseHTTPRequestHandler]:
    """Return the request handler of a store.

    :param store: the store.
    """

    class Handler(BaseHTTPRequestHandler):
        """Respond to requests from the store."""

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "{}")
            try:
                path = parts.path.strip("/").split("/")[2:]
                status, response = store.respond(self.command, path, dict(parse_qsl(parts.query)), body)
            except LookupError:
                status, response = 404, {"detail": "Not found."}
            except RefusedError as refused:
                status, response = 400, refused.errors
            content = b"" if response is None else json.dumps(response).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815 - http.server calls them by these names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Log nothing."""

    return Handler


def serve(project: Path, port: int = 0) -> tuple[ThreadingHTTPServer, Store]:
    """Return a server, which is not started yet, and its store.

    :param project: the directory of the project.
    :param port: the port, or 0 for any free port.
    """
    store = Store(project)
    return ThreadingHTTPServer(("127.0.0.1", port), handler_of(store)), store


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stub of the AWX API.")
    parser.add_argument("--project", type=Path, required=True, help="the directory of the project")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    server, _store = serve(given.project, given.port)
    print(f"The stub of the controller listens at http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()

# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The behaviours that a seed can draw for the hostile server, and the forms in which it may answer honestly.

A behaviour lasts until the server is clean again. A form lasts for the whole story: it is unusual, but true.
"""

from __future__ import annotations

from random import Random
from typing import Mapping, Sequence

INCIDENT_STORIES = (
    "status",
    "status_list",
    "link",
    "link_list",
    "comment",
    "comment_list",
    "assignee",
    "assignee_list",
    "chain",
)
TICKET_STORIES = ("ticket", "ticket_update", "ticket_list", "chain")
SEARCH_STORIES = ("ticket", "ticket_list", "chain")
LIST_STORIES = ("ticket_info", *SEARCH_STORIES)
STORIES = tuple(dict.fromkeys((*INCIDENT_STORIES, *TICKET_STORIES, "incident_info", "ticket_info")))

#: How often each story is drawn, where it is more than once.
WEIGHTS: Mapping[str, int] = {"ticket": 3, "ticket_list": 2, "chain": 2}

#: What each behaviour does, and the stories in which it matters.
BEHAVIOURS: Mapping[str, tuple[str, Sequence[str]]] = {
    # Faults of single requests.
    "drop_before": ("closes the connection instead of handling a request", STORIES),
    "drop_after": ("handles a request and closes the connection without an answer", STORIES),
    "cut_answer": ("handles a request and sends only a part of the answer", STORIES),
    "late_effect": ("closes the connection; the write takes effect some seconds later", STORIES),
    "error_before": ("answers 5xx instead of handling a request", STORIES),
    "error_after": ("handles a request and answers 5xx", STORIES),
    "kinds_down": ("answers 5xx to some kinds of requests all the time", STORIES),
    "html_answer": ("handles a request or does not, and answers 200 with an HTML page", STORIES),
    "limit_one": ("answers 429 for one workspace or tenant", STORIES),
    "write_ignored": ("reports success for a write that changes nothing", (*INCIDENT_STORIES, *TICKET_STORIES)),
    "write_reports_failure": ("answers a write with 200 and its failure flag", TICKET_STORIES),
    "write_refused": ("refuses a write with 400 and a reason", (*INCIDENT_STORIES, *TICKET_STORIES)),
    "partial_status": ("stores the comment of a status change, not the status, and answers 500", ("status", "chain")),
    "partial_in_second": ("does so in the second of another change, with times in whole seconds", ("status", "chain")),
    "redirect": ("redirects a read to the same resource", STORIES),
    # Answers that are late.
    "read_lag": ("shows in every read what was true some seconds ago", STORIES),
    "search_lag": ("finds a new ticket only after some seconds", SEARCH_STORIES),
    # Other people.
    "editor_ticket": ("lets another user change other fields of the ticket", TICKET_STORIES),
    "editor_incident": ("lets another user change other fields of the incident", INCIDENT_STORIES),
    "editor_comments": ("lets another user post similar comments on the incident", INCIDENT_STORIES),
    "editor_foreign": ("lets another user add and change records of other teams and customers", STORIES),
    "twin_ticket": ("lets another run open the same ticket at the same moment", SEARCH_STORIES),
    "twin_comment": ("lets another run post the same comment at the same moment", ("comment", "comment_list")),
    # Failures of the search, or answers with 200 that report one.
    "search_down": ("answers 5xx to every ticket list", SEARCH_STORIES),
    "search_reports_failure": ("answers a ticket list with 200, its failure flag and no rows", LIST_STORIES),
    "catalog_reports_failure": ("answers the catalog with 200, its failure flag and no entries", SEARCH_STORIES),
    # Lists that end too early, or do not say where they end.
    "rows_overlap": ("repeats rows on the next page of the ticket list", LIST_STORIES),
    "more_denied": ("says hasMore: false beside a larger total", LIST_STORIES),
    "offset_ignored": ("ignores the offset of the ticket list", LIST_STORIES),
    "offset_is_page": ("takes the offset of the ticket list for a page number", LIST_STORIES),
    "total_of_page": ("gives the number of rows of the page as total", LIST_STORIES),
    "page_empty_once": ("answers one page of the ticket list without rows, and hasMore: true", LIST_STORIES),
    "row_leaves": ("drops a row of the ticket list between two pages", LIST_STORIES),
    "search_any_word": ("finds every ticket that has any word of the search", SEARCH_STORIES),
    "incidents_overlap": ("repeats incidents on the next page", ("incident_info",)),
    "incidents_empty": ("answers one page of incidents without any, and tokens for the next", ("incident_info",)),
    "tokens_in_list": ("gives sourceTokens as a list", ("incident_info",)),
    "tokens_as_text": ("gives sourceTokens as a text", ("incident_info",)),
    "token_elsewhere": ("gives nextToken inside the workspace's entry", ("incident_info",)),
    # Rows of the ticket list that are wrong about their ticket.
    "row_identity_null": ("shows the identity field as null in rows", SEARCH_STORIES),
    "row_identity_empty": ("shows the identity field as an empty text in rows", SEARCH_STORIES),
    "row_identity_cut": ("cuts the identity field in rows", SEARCH_STORIES),
    "row_identity_escaped": ("escapes the identity field for HTML in rows", SEARCH_STORIES),
    "row_identity_marked": ("marks the words of the search in rows with <em>", SEARCH_STORIES),
    "row_identity_stale": ("shows the former identity in rows", SEARCH_STORIES),
    "row_summary_empty": ("shows an empty summary in rows", SEARCH_STORIES),
    "row_summary_cut": ("cuts the summary in rows", SEARCH_STORIES),
    "row_type_by_name": ("shows the ticket type by its name in rows", SEARCH_STORIES),
    "row_deleted_zero": ("shows deleted_seq 0 in rows", SEARCH_STORIES),
    # Texts that are stored in another spelling.
    "store_trimmed": ("trims texts of tickets", SEARCH_STORIES),
    "store_collapsed": ("collapses white space in texts of tickets", SEARCH_STORIES),
    "store_composed": ("stores texts of tickets in NFC", SEARCH_STORIES),
    "store_escaped": ("escapes texts of tickets for HTML", SEARCH_STORIES),
    "store_cut": ("cuts texts of tickets at 255 characters", SEARCH_STORIES),
    "store_without_emoji": ("drops emoji from texts of tickets", SEARCH_STORIES),
    "store_lower_case": ("stores texts of tickets in lower case", SEARCH_STORIES),
    # Values that are stored as others.
    "choice_replaced": ("stores another option of a select field", ("ticket", "ticket_update", "ticket_list")),
    "number_replaced": ("stores another number", ("ticket", "ticket_update", "ticket_list")),
    "boolean_replaced": ("stores the other boolean", ("ticket", "ticket_update", "ticket_list")),
    "type_unknown": ("calls the type of select fields by an unknown word", ("ticket", "ticket_update", "ticket_list")),
    "date_without_colon": ("shows dates with +0000", ("ticket", "ticket_update", "ticket_list")),
    "etag_unstable": ("changes the etag with each read, and refuses updates with a reason", ("ticket_update",)),
    # Reads that show another record.
    "read_other": ("answers the read of an incident with another incident", INCIDENT_STORIES),
    "redirect_other": ("redirects the reads of an incident to another workspace", INCIDENT_STORIES),
    # Answers that are hard to process.
    "deep_answer": ("adds a value of many levels to answers", STORIES),
    # What only the service can judge.
    "team_unknown": ("refuses the team of a new ticket", ("ticket",)),
    "assignee_unknown": ("refuses the assignee", ("assignee",)),
}

#: Behaviours that the present code does not withstand. Seeds do not draw them. Remove a line as soon as its fault is
#: fixed; until then, make campaign BEHAVIOUR=name shows the violation.
NOT_DRAWN: frozenset[str] = frozenset()

#: Behaviours that the server keeps when it is clean, because they are no fault of it.
LASTING = frozenset({"search_any_word", "type_unknown", "date_without_colon", "team_unknown", "assignee_unknown"})

#: Those of them with which no run can succeed.
HOPELESS = frozenset({"team_unknown", "assignee_unknown"})

#: Forms of honest answers.
FORMS: Mapping[str, Sequence[str]] = {
    # ContraForce.
    "incident_place": ("incident", "data"),
    "words": ("documented", "lower case", "integers"),
    "link": ("ticketId", "ticket", "serviceTicket", "hidden", "comments"),
    "assignee": ("user", "isAssigned", "hidden"),
    "comment_ids": ("text", "integer", "none"),
    "comment_space": ("kept", "folded"),
    "times": ("milliseconds", "seven digits", "offset"),
    "problems": ("problem", "old", "html", "empty"),
    "system": ("Autotask", "ServiceNow", "Jira", "Zendesk"),
    "no_content": ("204", "200"),
    "unlink_none": ("false", "404"),
    "relink": ("replace", "refuse"),
    "reasons": ("kept", "dropped", "replaced"),
    "meta": ("present", "absent"),
    # The ticketing API.
    "ticket_place": ("ticket", "data.ticket", "data", "body"),
    "rows_place": ("data.tickets", "data.rows", "tickets", "rows", "data"),
    "types_place": ("data.value", "value", "data", "body"),
    "offers_place": ("data.offers", "offers", "data.value", "data", "body"),
    "rows": ("full", "without data", "id only", "camel case"),
    "page_cap": ("none", "2", "5"),
    "signals": ("pagination", "total", "count", "none"),
    "ids": ("text", "integer"),
    "update": ("ticket", "etag", "data.etag"),
    "stale": ("409", "412", "400", "422", "428"),
    "refusals": ("documented", "old", "html", "empty"),
    "options": ("text", "value and label", "id and name"),
    "dates": ("sent", "milliseconds", "offset"),
    "numbers": ("number", "digits"),
    "booleans": ("boolean", "word"),
    "selects": ("value", "object"),
    "lists": ("kept", "reversed"),
}

_SHORT_PAGES: Mapping[str, str] = {"page_cap": "2", "signals": "pagination", "rows_place": "data.tickets"}
_FULL_ROWS: Mapping[str, str] = {"rows": "full"}

#: Forms that a behaviour needs to matter.
NEEDED_FORMS: Mapping[str, Mapping[str, str]] = {
    "rows_overlap": _SHORT_PAGES,
    "more_denied": _SHORT_PAGES,
    "offset_ignored": _SHORT_PAGES,
    "offset_is_page": _SHORT_PAGES,
    "page_empty_once": _SHORT_PAGES,
    "row_leaves": _SHORT_PAGES,
    "total_of_page": {**_SHORT_PAGES, "signals": "total"},
    "search_any_word": {"rows": "without data", "page_cap": "none"},
    **{name: _FULL_ROWS for name in BEHAVIOURS if name.startswith(("row_identity", "row_summary", "row_type"))},
    "row_deleted_zero": _FULL_ROWS,
    "partial_in_second": {"times": "seconds"},
    "type_unknown": {"options": "value and label"},
}


def draw_story(random: Random, behaviour: str | None = None) -> str:
    """Return a story.

    :param random: of the seed.
    :param behaviour: to which it must matter.
    """
    stories = BEHAVIOURS[behaviour][1] if behaviour else STORIES
    return random.choice([name for name in sorted(stories) for _time in range(WEIGHTS.get(name, 1))])


def draw_behaviours(random: Random, story: str) -> frozenset[str]:
    """Return some behaviours that matter to a story; often few, so that one is seen alone.

    :param random: of the seed.
    :param story: one of STORIES.
    """
    possible = [name for name, (_what, stories) in BEHAVIOURS.items() if story in stories and name not in NOT_DRAWN]
    return frozenset(random.sample(possible, random.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))))


def draw_forms(random: Random, story: str, behaviours: frozenset[str]) -> dict[str, str]:
    """Return one form of each kind of answer.

    :param random: of the seed.
    :param story: one of STORIES.
    :param behaviours: which may need some forms.
    """
    forms = {name: random.choice(choices) for name, choices in FORMS.items()}
    for name in sorted(behaviours):
        forms.update(NEEDED_FORMS.get(name, {}))
    if story == "chain" and forms["link"] == "ticketId":
        # It knows only the ticket's number, which cannot be compared with an id.
        forms["link"] = "ticket"
    return forms

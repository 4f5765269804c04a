# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Define the behaviours of the hostile server, and the formats of its valid responses, from which a seed draws.

A behaviour ends when the server becomes clean. A format lasts for the whole story: it is unusual, but valid.
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
TABLE_STORIES = ("servicenow_ticket",)
#: The stories of the services whose reads may be delayed. No page says so of ServiceNow.
DELAYED_STORIES = tuple(dict.fromkeys((*INCIDENT_STORIES, *TICKET_STORIES, "incident_info", "ticket_info")))
STORIES = (*DELAYED_STORIES, *TABLE_STORIES)

#: Relative frequencies of stories; 1 for all others.
WEIGHTS: Mapping[str, int] = {"ticket": 3, "ticket_list": 2, "chain": 2, "servicenow_ticket": 3}

#: The description of each behaviour (of the server), and the stories that it affects.
BEHAVIOURS: Mapping[str, tuple[str, Sequence[str]]] = {
    # Faults of single requests.
    "drop_before": ("closes the connection instead of handling a request", STORIES),
    "drop_after": ("handles a request and closes the connection without a response", STORIES),
    "cut_answer": ("handles a request and sends only a part of the response", STORIES),
    "late_effect": ("closes the connection; the write takes effect some seconds later", DELAYED_STORIES),
    "error_before": ("returns 5xx instead of handling a request", STORIES),
    "error_after": ("handles a request and returns 5xx", STORIES),
    "kinds_down": ("returns 5xx for all requests of some kinds", STORIES),
    "html_answer": ("handles a request or does not, and returns 200 with an HTML page", STORIES),
    "limit_one": ("returns 429 for one workspace or tenant", STORIES),
    "write_ignored": (
        "reports success for a write that changes nothing",
        (*INCIDENT_STORIES, *TICKET_STORIES, *TABLE_STORIES),
    ),
    "write_reports_failure": ("returns 200 with a failure flag for a write", TICKET_STORIES),
    "write_refused": ("refuses a write with 400 and a reason", (*INCIDENT_STORIES, *TICKET_STORIES)),
    "partial_status": ("stores only the comment of a status change, and returns 500", ("status", "chain")),
    "partial_in_second": (
        "does so in the same second as another change, with times in whole seconds",
        ("status", "chain"),
    ),
    "redirect": ("redirects a read to the same resource", STORIES),
    # Delayed reads.
    "read_lag": ("returns the state of some seconds ago for every read", DELAYED_STORIES),
    "search_lag": ("finds a new ticket only after some seconds", SEARCH_STORIES),
    # Other users and other runs.
    "editor_ticket": ("lets another user change other fields of the ticket", (*TICKET_STORIES, *TABLE_STORIES)),
    "editor_incident": ("lets another user change other fields of the incident", INCIDENT_STORIES),
    "editor_comments": ("lets another user post similar comments on the incident", INCIDENT_STORIES),
    "editor_foreign": ("lets another user add and change records of other teams and customers", STORIES),
    "twin_ticket": ("lets another run create the same ticket at the same time", SEARCH_STORIES),
    "twin_comment": ("lets another run post the same comment at the same time", ("comment", "comment_list")),
    # Failures of the search, or responses with 200 that report one.
    "search_down": ("returns 5xx for every ticket list", SEARCH_STORIES),
    "search_reports_failure": ("returns 200 with a failure flag and no rows for a ticket list", LIST_STORIES),
    "catalog_reports_failure": ("returns 200 with a failure flag and no entries for the catalog", SEARCH_STORIES),
    # Lists that end too early, or do not report their end.
    "rows_overlap": ("repeats rows on the next page of the ticket list", LIST_STORIES),
    "more_denied": ("returns hasMore: false with a larger total", LIST_STORIES),
    "offset_ignored": ("ignores the offset of the ticket list", LIST_STORIES),
    "offset_is_page": ("uses the offset of the ticket list as a page number", LIST_STORIES),
    "total_of_page": ("returns the number of rows of the page as total", LIST_STORIES),
    "page_empty_once": ("returns one page of the ticket list without rows, and hasMore: true", LIST_STORIES),
    "row_leaves": ("drops a row of the ticket list between two pages", LIST_STORIES),
    "condition_ignored": ("ignores the condition of the ticket list", TABLE_STORIES),
    "rows_hidden": ("hides all rows of the ticket list, but counts them", TABLE_STORIES),
    "search_any_word": ("finds every ticket that contains any word of the search", SEARCH_STORIES),
    "incidents_overlap": ("repeats incidents on the next page", ("incident_info",)),
    "incidents_empty": ("returns one page without incidents, but with tokens for the next page", ("incident_info",)),
    "tokens_in_list": ("returns sourceTokens as a list", ("incident_info",)),
    "tokens_as_text": ("returns sourceTokens as a text", ("incident_info",)),
    "token_elsewhere": ("returns nextToken in the entry of the workspace", ("incident_info",)),
    # Rows of the ticket list that differ from their ticket.
    "row_identity_null": ("shows the identity field as null in rows", SEARCH_STORIES),
    "row_identity_empty": ("shows the identity field as an empty text in rows", SEARCH_STORIES),
    "row_identity_cut": ("truncates the identity field in rows", SEARCH_STORIES),
    "row_identity_escaped": ("escapes the identity field for HTML in rows", SEARCH_STORIES),
    "row_identity_marked": ("marks the words of the search in rows with <em>", SEARCH_STORIES),
    "row_identity_stale": ("shows an earlier identity in rows", SEARCH_STORIES),
    "row_summary_empty": ("shows an empty summary in rows", SEARCH_STORIES),
    "row_summary_cut": ("truncates the summary in rows", SEARCH_STORIES),
    "row_type_by_name": ("shows the name of the ticket type instead of its id in rows", SEARCH_STORIES),
    "row_deleted_zero": ("shows deleted_seq 0 in rows", SEARCH_STORIES),
    # Texts that are stored in another form.
    "store_trimmed": ("trims texts of tickets", SEARCH_STORIES),
    "store_collapsed": ("collapses white space in texts of tickets", SEARCH_STORIES),
    "store_composed": ("stores texts of tickets in NFC", SEARCH_STORIES),
    "store_escaped": ("escapes texts of tickets for HTML", SEARCH_STORIES),
    "store_cut": ("truncates texts of tickets to 255 characters", SEARCH_STORIES),
    "store_without_emoji": ("drops emoji from texts of tickets", SEARCH_STORIES),
    "store_lower_case": ("stores texts of tickets in lower case", SEARCH_STORIES),
    # Values that are stored or shown differently.
    "choice_replaced": ("stores another option of a select field", ("ticket", "ticket_update", "ticket_list")),
    "number_replaced": ("stores another number", ("ticket", "ticket_update", "ticket_list")),
    "boolean_replaced": ("stores the other boolean", ("ticket", "ticket_update", "ticket_list")),
    "type_unknown": ("uses an unknown name for the type of select fields", ("ticket", "ticket_update", "ticket_list")),
    "date_without_colon": ("shows dates with +0000", ("ticket", "ticket_update", "ticket_list")),
    "etag_unstable": ("changes the etag with each read, and refuses every update", ("ticket_update",)),
    # Reads that return another record.
    "read_other": ("returns another incident", INCIDENT_STORIES),
    "redirect_other": ("redirects reads of an incident to another workspace", INCIDENT_STORIES),
    # Responses that are hard to process.
    "deep_answer": ("adds a deeply nested value to responses", STORIES),
    # Values that only the service can validate.
    "team_unknown": ("refuses the team of a new ticket", ("ticket",)),
    "assignee_unknown": ("refuses the assignee", ("assignee",)),
}

#: Behaviours that the code does not handle yet. Seeds do not draw them, but make campaign BEHAVIOUR=name shows the
#: violation. Remove an entry when its bug is fixed.
NOT_DRAWN: frozenset[str] = frozenset()

#: Behaviours that the clean server keeps, because they are not faults.
LASTING = frozenset({"search_any_word", "type_unknown", "date_without_colon", "team_unknown", "assignee_unknown"})

#: Lasting behaviours with which a run cannot succeed.
HOPELESS = frozenset({"team_unknown", "assignee_unknown"})

#: Formats of valid responses.
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

#: Formats without which a behaviour has no effect.
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
    """Return the name of a random story.

    :param random: the generator of the seed.
    :param behaviour: a behaviour that must affect the story.
    """
    stories = BEHAVIOURS[behaviour][1] if behaviour else STORIES
    return random.choice([name for name in sorted(stories) for _time in range(WEIGHTS.get(name, 1))])


def draw_behaviours(random: Random, story: str) -> frozenset[str]:
    """Return random behaviours that affect a story; often few, so that each also occurs alone.

    :param random: the generator of the seed.
    :param story: one of STORIES.
    """
    possible = [name for name, (_what, stories) in BEHAVIOURS.items() if story in stories and name not in NOT_DRAWN]
    return frozenset(random.sample(possible, random.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))))


def draw_forms(random: Random, story: str, behaviours: frozenset[str]) -> dict[str, str]:
    """Return a random format for each kind of response.

    :param random: the generator of the seed.
    :param story: one of STORIES.
    :param behaviours: the behaviours of the server, which may need certain formats.
    """
    forms = {name: random.choice(choices) for name, choices in FORMS.items()}
    for name in sorted(behaviours):
        forms.update(NEEDED_FORMS.get(name, {}))
    if story == "chain" and forms["link"] == "ticketId":
        # The chain only knows the number of the ticket, which cannot be compared with an id.
        forms["link"] = "ticket"
    return forms

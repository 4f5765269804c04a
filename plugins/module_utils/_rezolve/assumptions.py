# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Assumptions about the ticketing API where its public documentation is silent or only shows examples.

If a tenant behaves differently, this is the file to correct. The documentation site lists the assumptions.
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.secops.itsm.plugins.module_utils._assumption import Assumption

ASSUMPTIONS: Mapping[str, Assumption] = {
    "TK-A1": Assumption(
        "A token is issued for OAuth 2.0 client credentials, with ``client_id`` and ``client_secret`` in the form.",
        "No token is issued, or it is refused. Use an access token or an API key.",
    ),
    "TK-A2": Assumption(
        "An API key is sent in ``X-API-Key`` instead of ``Authorization``.",
        "Requests with ``api_key`` fail with ``authentication``.",
    ),
    "TK-A3": Assumption(
        "A write that is answered with 429 was not processed. One that is answered with any 5xx may have been.",
        "A create request that was answered with 429 may have created a ticket, and is sent again.",
    ),
    "TK-A4": Assumption(
        "``X-RateLimit-Reset`` of a 429 response is a number of seconds, or a Unix timestamp.",
        "The delay after a 429 response is too short or too long.",
    ),
    "TK-A5": Assumption(
        "The response to reading a ticket contains it in ``ticket``, ``data.ticket`` or ``data``, or is the ticket.",
        "Every read of a ticket fails with ``contract``. Nothing is written.",
    ),
    "TK-A6": Assumption(
        "The response to an update contains the ticket, as for create, or at least the new etag.",
        "With ``verify_timeout: 0``, ``etag`` in the result is null.",
    ),
    "TK-A7": Assumption(
        "An update with a stale etag is refused with a 4xx response without ``validationResult``.",
        "A conflicting change is reported as the service's refusal. Nothing is overwritten.",
    ),
    "TK-A8": Assumption(
        "Listed tickets are in ``data.tickets`` or ``data.rows``, and have ``object_id`` or ``objectId``.",
        "A search that should find the ticket fails with ``contract``. No ticket is created twice.",
    ),
    "TK-A9": Assumption(
        "The full-text search finds a ticket by its summary and its fields, possibly after a delay.",
        "Another run creates the ticket again. A run that creates a ticket searches for it, and warns.",
    ),
    "TK-A10": Assumption(
        "A ticket is closed if its ``status_category`` begins with Done.",
        "A closed ticket counts as open, or an open one as closed.",
    ),
    "TK-A11": Assumption(
        "A ``deleted_seq`` other than -1 means that a ticket was deleted.",
        "An existing ticket is not found, and is created again.",
    ),
    "TK-A12": Assumption(
        "Ticket types are in ``data.value``, ``value`` or ``data``, or are the response. "
        "Offers are in the same places, or in ``offers``.",
        "Every task with ``fields`` fails with ``contract``. Nothing is written.",
    ),
    "TK-A13": Assumption(
        "The type of a field is a word such as text, number, date, boolean, select or multiselect.",
        "A value that the service would accept is refused, or the service refuses a value that was sent.",
    ),
    "TK-A14": Assumption(
        "An option is a text, or has ``value`` or ``id``, which a ticket stores, and ``label`` or ``name``.",
        "An option that the service would accept is refused, or is ``changed`` in each run.",
    ),
    "TK-A15": Assumption(
        "A field is required if ``required`` is true. Any other value is a condition that only the service can check.",
        "A missing field is reported by the service instead of before the request.",
    ),
    "TK-A16": Assumption(
        "The status is a field of the ticket type, and is changed like any other. Null empties a field.",
        "The service refuses a status or an emptied field, or does not change it (``not_converged``).",
    ),
    "TK-A17": Assumption(
        "The response of userinfo contains the account in ``data``, or is the account.",
        "``user`` in the results contains something else.",
    ),
    "TK-A18": Assumption(
        "The identifier of a request may be in the header ``X-Request-Id`` or ``Request-Id``.",
        "``request_ids`` is empty.",
    ),
    "TK-A19": Assumption(
        "A summary is one line of at most 255 characters, without control or formatting characters.",
        "A title in a summary is shortened or changed unnecessarily, or the service refuses a new ticket with "
        "``validation``.",
    ),
}

#: TK-A2.
API_KEY_HEADER = "X-API-Key"

#: TK-A4: in seconds; a larger number is a Unix timestamp.
LONGEST_RESET = 10_000_000

#: TK-A5, TK-A6: possible paths of a ticket in a response; an empty path is the whole body.
TICKET_PATHS: tuple[tuple[str, ...], ...] = (("ticket",), ("data", "ticket"), ("data",), ())

#: TK-A8.
ROWS_PATHS: tuple[tuple[str, ...], ...] = (("data", "tickets"), ("data", "rows"), ("tickets",), ("rows",), ("data",))
ROW_ID_KEYS = ("object_id", "objectId")
PAGING_PATHS: tuple[tuple[str, ...], ...] = (("data", "pagination"), ("pagination",), ("data",), ())

#: TK-A10.
DONE_CATEGORY = "done"

#: TK-A11. Source: Rezolve.ai API documentation, Create Ticket.
NOT_DELETED = -1

#: TK-A12.
TICKET_TYPES_PATHS: tuple[tuple[str, ...], ...] = (("data", "value"), ("value",), ("data",), ())
OFFERS_PATHS: tuple[tuple[str, ...], ...] = (("data", "offers"), ("offers",), ("data", "value"), ("data",), ())

#: TK-A13: data types of fields, by the names that the service may use. Values of other types are not checked.
TEXT, NUMBER, DATE, BOOLEAN, SELECT, MULTISELECT, OTHER = (
    "text",
    "number",
    "date",
    "boolean",
    "select",
    "multiselect",
    "other",
)
DATA_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("text", "textarea", "richtext", "html", "string", "email", "phone", "url"), TEXT),
    **dict.fromkeys(("number", "integer", "decimal", "float"), NUMBER),
    **dict.fromkeys(("date", "datetime", "timestamp"), DATE),
    **dict.fromkeys(("boolean", "checkbox", "toggle"), BOOLEAN),
    **dict.fromkeys(("select", "dropdown", "radio"), SELECT),
    **dict.fromkeys(("multiselect", "checkboxes", "tags"), MULTISELECT),
}

#: TK-A14: keys of an option's stored value and of its other names.
OPTION_VALUE_KEYS = ("value", "id")
OPTION_NAME_KEYS = ("label", "name")

#: TK-A18.
REQUEST_ID_HEADERS = ("X-Request-Id", "Request-Id")

#: TK-A19: in UTF-16 code units.
LONGEST_SUMMARY = 255

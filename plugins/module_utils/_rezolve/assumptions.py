# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The assumptions about the ticketing API where its documentation is silent or looks like an example.

The README's table "Verified and assumed" repeats the texts, and a test compares them. If a real tenant differs, this is
the file to correct.
"""

from __future__ import annotations

from typing import Mapping

ASSUMPTIONS: Mapping[str, str] = {
    "TK-A1": "A token is had by OAuth 2.0 client credentials, with client_id and client_secret in the form.",
    "TK-A2": "An API key is sent in X-API-Key, instead of Authorization.",
    "TK-A3": "A write answered by 429 was not processed; one answered by any 5xx may have been.",
    "TK-A4": "X-RateLimit-Reset of a 429 is a number of seconds, or the second since 1970 at which to come back.",
    "TK-A5": "A ticket that is read stands under ticket, data.ticket or data, or is the body.",
    "TK-A6": "An update answers with the ticket, as create does, or at the least with the new etag.",
    "TK-A7": "An update with a stale etag is refused with a 4xx that has no validationResult.",
    "TK-A8": "Listed tickets stand under data.tickets or data.rows, and have object_id or objectId.",
    "TK-A9": "The full-text search finds a ticket by its summary and its fields, though it may take some time to.",
    "TK-A10": "A ticket is done when its status_category begins with Done.",
    "TK-A11": "A deleted_seq other than -1 says that a ticket was deleted.",
    "TK-A12": "Ticket types stand under data.value, value, data, or are the body; offers the same, under offers.",
    "TK-A13": "The type of a field is told by a word such as text, number, date, boolean, select or multiselect.",
    "TK-A14": "An option is a text, or has value or id, which is what a ticket stores, and label or name.",
    "TK-A15": "A field is required if required is true; anything else is a condition that only the service knows.",
    "TK-A16": "The status is a field of the ticket type, changed like any other; null empties a field.",
    "TK-A17": "Who one is stands under data, or is the body, of the answer of userinfo.",
    "TK-A18": "A request's identifier may stand in a header, X-Request-Id or Request-Id.",
    "TK-A19": "A summary is one line of at most 255 characters, none of them a control or formatting character.",
}

#: TK-A2.
API_KEY_HEADER = "X-API-Key"

#: TK-A4: a larger number is a point in time.
LONGEST_RESET = 10_000_000

#: TK-A5, TK-A6: possible paths of a ticket in a response; an empty path is the body itself.
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

#: TK-A13: the data types of fields, by the names that a type may have. Any other type is not checked.
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

#: TK-A14: keys of the stored value and of other names of an option.
OPTION_VALUE_KEYS = ("value", "id")
OPTION_NAME_KEYS = ("label", "name")

#: TK-A18.
REQUEST_ID_HEADERS = ("X-Request-Id", "Request-Id")

#: TK-A19: in units of UTF-16.
LONGEST_SUMMARY = 255

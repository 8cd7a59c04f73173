"""Single values of the API, whichever way they go: times, ids, texts of a length, words of a list."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

LARGEST_ID = 2**31 - 1


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> Any:
    """A time with its zone (RFC 3339)."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("a time with its zone is expected: 2026-03-10T09:00:00Z")
    try:
        return datetime.fromisoformat(value.upper().replace(":60", ":59")).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a year between 1 and 9999 is expected") from error


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,10}", value, re.ASCII):
        raise ValueError("a whole number is expected")
    return value


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(_whole)]
QueryId = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(_digits)]
After = Annotated[int, Field(ge=0, le=LARGEST_ID), BeforeValidator(_digits)]
Limit = Annotated[int, Field(ge=1, le=200), BeforeValidator(_digits)]
Line80 = Annotated[str, StringConstraints(max_length=80)]
Line120 = Annotated[str, StringConstraints(max_length=120)]
Line200 = Annotated[str, StringConstraints(max_length=200)]
Line400 = Annotated[str, StringConstraints(max_length=400)]
ContactKind = Literal["phone", "mobile", "email", "messenger", "site", "fax"]
ClientKind = Literal["organisation", "private"]
Category = Literal["", "A", "B", "C"]
CallerKind = Literal["", "now", "later", "casual"]
Door = Literal["call", "phone", "mail", "letter", "web", "messenger", "visit", "show", "paper"]
"""Where a contact came through: those of `reports.labels.DOORS`."""
NextKind = Literal[
    "", "call_back", "meeting_ours", "meeting_theirs", "offer", "samples", "order", "technologist", "letter"
]
"""Those of `touches.models.NEXT_KINDS`, and ''."""

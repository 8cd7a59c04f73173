"""Everything that goes in and out of the API. These models check what comes, write what goes, and make the description.

What comes in is strict: no unknown field, no text for a number. Texts are tidied as forms tidy them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from webapp.touches.forms import MAX_NOTE

LARGEST_ID = 2**31 - 1
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SEEN = r"[^\s\x00-\x20]"
"""A pattern that a text of blanks alone doesn't have."""


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


class Incoming(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(BaseModel):
    """What follows the ? of an address."""

    model_config = ConfigDict(extra="forbid")


class Outgoing(BaseModel):
    """What the desk answers."""

    model_config = ConfigDict(extra="forbid")


# What the desk answers


class FieldError(Outgoing):
    """A field at fault; a dot leads into a list or an object: contacts.0.value."""

    field: str
    message: str


class Candidate(Outgoing):
    """A card that may be the same client: how certain (same, likely, maybe) and why."""

    id: int
    name: str
    url: str
    certainty: str
    reasons: list[str]


class ChangedField(Outgoing):
    """A field that somebody has changed meanwhile: what stands there, and what was sent; a list's item by its id."""

    field: str
    theirs: str
    mine: str


class Problem(Outgoing):
    """Why something was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    candidates: list[Candidate] = []
    changed: list[ChangedField] = []
    client_id: int | None = None


class Item(Outgoing):
    """An item of a list, a colleague or a client: its id and its name in the language that Accept-Language asks for."""

    id: int
    name: str


class Contact(Outgoing):
    """A way to reach somebody: as written, and the form that compares (a phone in E.164) or ''."""

    id: int
    kind: ContactKind
    value: str
    normal: str
    preferred: bool


class Person(Outgoing):
    """Somebody at a client."""

    id: int
    surname: str
    given_name: str
    patronymic: str
    position: str
    decides: str
    contacts: list[Contact]


class Client(Outgoing):
    """A card. `contacts` are those of no person in particular; `extra` holds the office's own fields by their keys."""

    id: int
    url: str
    kind: ClientKind
    name: str
    what_it_does: str
    website: str
    management: str
    category: Category
    caller_kind: CallerKind
    status: Item | None
    type: Item | None
    region: Item | None
    channel: Item | None
    owner: Item | None
    reason: str
    product: str
    volume: str
    how_often: str
    order_size: str
    needed_by: str
    exact_variant: str
    delivery: str
    storage: str
    decides_alone: str
    note: str
    persons: list[Person]
    contacts: list[Contact]
    extra: dict[str, str]
    created_at: Instant


class Clients(Outgoing):
    """Cards by their ids, ascending; `next` is the `after` of the next page, null at the end."""

    items: list[Client]
    next: int | None


class CallOfTouch(Outgoing):
    """The telephone's side of a touch. `state` says what became of it, as in the list of calls."""

    id: int
    number: str
    state: str
    rings: int
    talk_seconds: float


class Touch(Outgoing):
    """A contact: a row of the ledger. It is finished when purpose, outcome and next touch are written down."""

    id: int
    direction: Literal["in", "out"]
    door: str
    started_at: Instant
    user: Item | None
    client: Item | None
    person: Item | None
    purpose: Item | None
    outcome: Item | None
    touch_class: Item | None
    channel: Item | None
    next_at: Instant | None
    next_kind: str
    note: str
    finished: bool
    call: CallOfTouch | None


class Touches(Outgoing):
    """Touches by their ids, ascending; `next` is the `after` of the next page, null at the end."""

    items: list[Touch]
    next: int | None


class OutcomeItem(Item):
    """An outcome; one that closes the matter owes no next touch."""

    closes: bool


class ExtraFieldItem(Outgoing):
    """A field of the office's own making."""

    key: str
    name: str
    kind: str
    choices: list[str]


class Lists(Outgoing):
    """What ids and keys mean in this office."""

    purposes: list[Item]
    outcomes: list[OutcomeItem]
    touch_classes: list[Item]
    channels: list[Item]
    statuses: list[Item]
    regions: list[Item]
    client_types: list[Item]
    owners: list[Item]
    extra_fields: list[ExtraFieldItem]


class Me(Outgoing):
    """Whom the token acts as, and what it may do."""

    token: str
    may_write: bool
    user: Item
    role: str


# What programs ask for


class ClientsAsked(Asked):
    """Which cards. `q` is looked for as in the search box of the desk."""

    q: Annotated[str, StringConstraints(max_length=200)] | None = None
    status_id: QueryId | None = None
    region_id: QueryId | None = None
    type_id: QueryId | None = None
    channel_id: QueryId | None = None
    owner_id: QueryId | None = None
    category: Literal["A", "B", "C"] | None = None
    created_from: Instant | None = None
    created_until: Instant | None = None
    after: After = 0
    limit: Limit = 50


class OfClientAsked(Asked):
    """Which of a client's touches."""

    after: After = 0
    limit: Limit = 50


class TouchesAsked(OfClientAsked):
    """Which touches. Who may not read everybody's ledger is given his own."""

    user_id: QueryId | None = None
    client_id: QueryId | None = None
    started_from: Instant | None = None
    started_until: Instant | None = None


# What programs send


class NewContact(Incoming):
    """A phone, an e-mail or another address, kept as written."""

    kind: ContactKind
    value: Annotated[str, StringConstraints(max_length=200, min_length=1, pattern=_SEEN)]
    preferred: bool = False


class NewPerson(Incoming):
    """Somebody at the client; a surname or a given name is needed."""

    surname: Line80 = ""
    given_name: Line80 = ""
    patronymic: Line80 = ""
    position: Line120 = ""
    decides: Line200 = ""
    contacts: Annotated[list[NewContact], Field(max_length=20)] = []


class ClientFields(Incoming):
    """The fields of a card; '' and null mean that there is none."""

    kind: ClientKind = "organisation"
    name: Line200 = ""
    what_it_does: Line400 = ""
    website: Line200 = ""
    management: Line400 = ""
    category: Category = ""
    caller_kind: CallerKind = ""
    status_id: Id | None = None
    type_id: Id | None = None
    region_id: Id | None = None
    channel_id: Id | None = None
    owner_id: Id | None = None
    reason: Line400 = ""
    product: Line200 = ""
    volume: Line200 = ""
    how_often: Line200 = ""
    order_size: Line200 = ""
    needed_by: Line200 = ""
    exact_variant: Line200 = ""
    delivery: Line200 = ""
    storage: Line200 = ""
    decides_alone: Line200 = ""
    note: Annotated[str, StringConstraints(max_length=10_000)] = ""
    extra: Annotated[dict[str, Annotated[str, StringConstraints(max_length=400)]], Field(max_length=100)] = {}


class NewClient(ClientFields):
    """A new card. Something to know it by is needed: a name, a person or a contact.

    When cards are there that may be the same client, nothing is made and they are named (409); `even_if_found` makes
    the card all the same. Without `owner_id` it belongs to whom the token acts as. `deal` opens a deal with this title.
    """

    persons: Annotated[list[NewPerson], Field(max_length=20)] = []
    contacts: Annotated[list[NewContact], Field(max_length=20)] = []
    deal: Line200 = ""
    even_if_found: bool = False


class ClientChanges(ClientFields):
    """Fields of a card to be changed; what is left out stays as it is, and of `extra` those keys alone are changed.

    `was`: what was read of them; when somebody has changed one meanwhile nothing is done and both texts are named
    (409). `why`: the head's reason for a status that the office's rules forbid.
    """

    was: ClientFields = ClientFields()
    why: Line400 = ""


class NewTouchOfClient(Incoming):
    """A contact with a client, written down after it.

    A finished one needs purpose, outcome and, unless the outcome closes the matter, a next touch that lies ahead; its
    next touch becomes a task. One that is not finished waits on its manager's page.
    """

    direction: Literal["in", "out"] = "in"
    door: Door
    started_at: Instant | None = None
    person_id: Id | None = None
    purpose_id: Id | None = None
    outcome_id: Id | None = None
    touch_class_id: Id | None = None
    channel_id: Id | None = None
    next_at: Instant | None = None
    next_kind: NextKind = ""
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE)] = ""
    finished: bool = True


class NewTouch(NewTouchOfClient):
    """A contact with a client, or with somebody who has no card yet."""

    client_id: Id | None = None

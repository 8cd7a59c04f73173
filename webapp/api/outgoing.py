"""What the desk answers to programs: these models write it, and describe it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from webapp.api.values import CallerKind, Category, ClientKind, ContactKind, Instant


class Outgoing(BaseModel):
    """What the desk answers."""

    model_config = ConfigDict(extra="forbid")


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

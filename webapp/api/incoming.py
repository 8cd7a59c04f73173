"""What programs ask for and send: these models check it, and describe it.

They are strict: no unknown field, no text for a number. Texts are tidied as forms tidy them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from webapp.api.values import (
    After,
    CallerKind,
    Category,
    ClientKind,
    ContactKind,
    Door,
    Id,
    Instant,
    Limit,
    Line80,
    Line120,
    Line200,
    Line400,
    NextKind,
    QueryId,
)
from webapp.touches.approaches import MAX_REASON
from webapp.touches.forms import MAX_NOTE

_SEEN = r"[^\s\x00-\x20]"
"""A pattern that a text of blanks alone doesn't have."""


class Incoming(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(BaseModel):
    """What follows the ? of an address."""

    model_config = ConfigDict(extra="forbid")


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
    approach_reason: Annotated[str, StringConstraints(max_length=MAX_REASON)] = ""
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE)] = ""
    finished: bool = True


class NewTouch(NewTouchOfClient):
    """A contact with a client, or with somebody who has no card yet."""

    client_id: Id | None = None

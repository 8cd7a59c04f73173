"""The lists the head edits: items added, renamed per language, moved, retired and brought back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from webapp.db import Base
from webapp.languages import LANGUAGES
from webapp.office.models import (
    Channel,
    ClientStatus,
    ClientType,
    ListItem,
    Outcome,
    PaymentScheme,
    Purpose,
    Region,
    TouchClass,
)

LONGEST = 80
COUNTS_AS = (("", _l("nothing")), ("meeting", _l("a meeting")), ("sale", _l("a sale")))


@dataclass(frozen=True)
class Kind:
    """One of the lists, as addresses and pages name it."""

    model: type[ListItem]
    title: str
    about: str


LISTS: dict[str, Kind] = {
    "channels": Kind(Channel, _l("Channels"), _l("Where clients hear of us. Every channel has its own count.")),
    "purposes": Kind(Purpose, _l("Purposes"), _l("Why a client gets in touch.")),
    "outcomes": Kind(Outcome, _l("Outcomes"), _l("How a contact ends. One that closes the matter owes no next touch.")),
    "classes": Kind(TouchClass, _l("Classes"), _l("What kind of contact it was.")),
    "statuses": Kind(ClientStatus, _l("Statuses"), _l("Where a client stands with us, from first contact upwards.")),
    "types": Kind(
        ClientType,
        _l("Types of client"),
        _l("A deal with a client of a forbidden type is held until you let it go on."),
    ),
    "payments": Kind(
        PaymentScheme,
        _l("Ways of paying"),
        _l("A deal paid in a forbidden way is held until you let it go on."),
    ),
    "regions": Kind(Region, _l("Regions"), _l("Parts of the country with a manager of their own.")),
}


@dataclass(slots=True)
class Row:
    """One item as it is typed: `item` None is the new one. `error` says what is wrong with it."""

    item: ListItem | None
    names: dict[str, str]
    closes: bool = False
    counts_as: str = ""
    forbidden: bool = False
    error: str = field(default="")

    @property
    def blank(self) -> bool:
        return not any(self.names.values())


def rows(session: Session, kind: Kind) -> list[Row]:
    """The items of a list in order, the active ones first."""
    items = session.scalars(select(kind.model).order_by(kind.model.active.desc(), kind.model.rank, kind.model.id))
    return [
        Row(
            item,
            {code: item.names.get(code, "") for code in LANGUAGES},
            getattr(item, "closes", False),
            getattr(item, "counts_as", ""),
            getattr(item, "forbidden", False),
        )
        for item in items
    ]


def check(typed: Sequence[Row]) -> bool:
    """True when all rows can be saved; else their `error`s say why not."""
    seen: set[tuple[str, str]] = set()
    for row in typed:
        names = {(code, name.casefold()) for code, name in row.names.items() if name}
        if row.blank and row.item is not None:
            row.error = _("It needs a name in one language at least.")
        elif any(len(name) > LONGEST for name in row.names.values()):
            row.error = _("At most %(max)d characters.", max=LONGEST)
        elif names & seen:
            row.error = _("This name is in the list already.")
        elif row.counts_as not in dict(COUNTS_AS):
            row.error = _("Choose what it counts as.")
        seen |= names
    return not any(row.error for row in typed)


def save(session: Session, kind: Kind, typed: Sequence[Row]) -> None:
    """Rename the items of `typed` and add the new one; rows must have passed `check`."""
    for row in typed:
        item = row.item
        if item is None:
            if row.blank:
                continue
            highest = session.scalar(select(func.coalesce(func.max(kind.model.rank), -1))) or 0
            item = kind.model()
            item.rank, item.active, item.names = highest + 1, True, {}
            session.add(item)
        item.names = {code: name for code, name in {**item.names, **row.names}.items() if name}
        if isinstance(item, Outcome):
            item.closes, item.counts_as = row.closes, row.counts_as
        elif isinstance(item, (ClientType, PaymentScheme)):
            item.forbidden = row.forbidden
    session.flush()


def move(session: Session, kind: Kind, item: ListItem, by: int) -> None:
    """Change places with the active neighbour above (`by` -1) or below (1); at the edge nothing happens."""
    active = select(kind.model).where(kind.model.active).order_by(kind.model.rank, kind.model.id)
    swap(session.scalars(active), item, by)
    session.flush()


def swap(rows: Iterable[Any], one: Any, by: int) -> None:
    """Let one of these rows, in order of their `rank`, change places with a neighbour; at the edge nothing happens."""
    active = list(rows)
    place = next((number for number, other in enumerate(active) if other.id == one.id), None)
    if place is None or not 0 <= place + by < len(active):
        return
    active[place], active[place + by] = active[place + by], active[place]
    for rank, other in enumerate(active):
        other.rank = rank


def retire(session: Session, item: ListItem) -> bool:
    """Offer the item no more. One that is in use, or that scripts name, stays on its rows; any other is deleted.

    Returns whether it was deleted.
    """
    if getattr(item, "key", "") or in_use(session, item):
        item.active = False
        session.flush()
        return False
    session.delete(item)
    session.flush()
    return True


def restore(session: Session, item: ListItem) -> None:
    """Offer a retired item again."""
    item.active = True
    session.flush()


def in_use(session: Session, item: ListItem) -> bool:
    """True when a row of any table refers to the item."""
    table = Base.metadata.tables[item.__tablename__]  # type: ignore[attr-defined]
    columns = [
        key.parent for other in Base.metadata.tables.values() for key in other.foreign_keys if key.column.table is table
    ]
    return any(session.scalar(select(exists().where(column == item.id))) for column in columns)

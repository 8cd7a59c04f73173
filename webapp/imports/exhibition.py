"""Lists of an exhibition: each contact becomes a manager's, who owes it a next touch (D16, D69)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import changes
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.imports.entries import Entry
from webapp.imports.models import Import
from webapp.imports.spread import Spread, regional_managers
from webapp.office.queries import the_office
from webapp.tasks.models import Task


def spread(session: Session, import_: Import, given: Mapping[str, int] | None) -> Spread | None:
    """How the list is given out, going on from `given`; None for a list that isn't."""
    if import_.kind != "exhibition":
        return None
    return Spread(import_.options.get("managers", []), regional_managers(session), given)


def owner(import_: Import, entry: Entry, spread: Spread | None) -> int | None:
    """Whose a new card becomes."""
    if spread is not None:
        return spread.whose(entry.ids.get("region_id"))
    found: int | None = import_.options.get("owner")
    return found


def give(session: Session, client: Client, spread: Spread, author: Author) -> None:
    """A card that was nobody's becomes a manager's."""
    whose = spread.whose(client.region_id)
    if whose is not None:
        changes.put(session, client, client, "owner", session.get_one(User, whose), author)
        session.flush()


def owe_touches(session: Session, import_: Import, plans: Sequence[Any], now: datetime) -> None:
    """A next touch for the manager of every card of the list, once a card and exhibition."""
    ids = sorted({plan.outcome.client_id for plan in plans if plan.outcome.state in ("new", "matched")} - {None})
    if import_.kind != "exhibition" or not ids:
        return
    text = import_.options.get("task", import_.name)
    owed = set(
        session.scalars(
            select(Task.client_id).where(Task.client_id.in_(ids), Task.kind == "next_touch", Task.text == text)
        )
    )
    owners = session.execute(select(Client.id, Client.owner_id).where(Client.id.in_(ids)))
    rows = [
        {"kind": "next_touch", "text": text, "user_id": owner_id, "client_id": client_id}
        | {"number": "", "report": "", "due_at": datetime.fromisoformat(import_.options["due"]), "created_at": now}
        for client_id, owner_id in owners
        if owner_id is not None and client_id not in owed
    ]
    if rows:
        session.execute(insert(Task), rows)


def next_workday(session: Session, now: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the office's next working day."""
    office = the_office(session)
    day = now.astimezone(zone)
    for _turn in range(7):
        day += timedelta(days=1)
        if day.weekday() in office.workdays:
            break
    return day.replace(hour=office.opens // 60, minute=office.opens % 60, second=0, microsecond=0)

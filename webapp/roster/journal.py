"""What was changed in the roster, by whom and when; and the way back.

A change is written in the transaction that makes it: `snapshot` before, then `record` with what `made`, `changed` and
`removed` say of its rows. Undo puts every row back as it was, and only when each is still as the change left it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Date, inspect, select, update
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime
from webapp.roster.models import Absence, Holiday, RosterChange, Shift, ShiftPattern

TABLES: dict[str, Any] = {model.__tablename__: model for model in (ShiftPattern, Shift, Absence, Holiday)}
"""The tables whose rows can be put back, those that others refer to first."""

Rows = list[dict[str, Any]]


class CantUndo(ValueError):
    """A change that can't be undone; its text says why, for the reader."""


def snapshot(row: Model) -> dict[str, Any]:
    """A row's columns by name, as JSON holds them: times and days in ISO 8601."""
    return {name: _plain(getattr(row, name)) for name in inspect(type(row)).columns.keys()}  # noqa: SIM118


def made(row: Model) -> dict[str, Any]:
    """What `record` keeps of a row that is new; it is flushed, so that it has its key."""
    return _entry(row, None, snapshot(row))


def changed(row: Model, before: dict[str, Any]) -> dict[str, Any]:
    """What `record` keeps of a row that was `before` when `snapshot` was asked."""
    return _entry(row, before, snapshot(row))


def removed(row: Model) -> dict[str, Any]:
    """What `record` keeps of a row that is about to be deleted."""
    return _entry(row, snapshot(row), None)


def record(session: Session, kind: str, rows: Rows, by: User | None, now: datetime, **facts: Any) -> RosterChange:
    """Write down one change. `kind` and `facts` (JSON) become its sentence; `by` None: nobody, the clock did it."""
    change = RosterChange(at=now, by_id=by.id if by else None, kind=kind, facts=facts, rows=rows)
    session.add(change)
    session.flush()
    return change


def latest(session: Session, limit: int) -> Sequence[RosterChange]:
    """The latest changes, newest first, undone ones too."""
    return session.scalars(
        select(RosterChange)
        .order_by(RosterChange.id.desc())
        .limit(limit)
        .options(joinedload(RosterChange.by), joinedload(RosterChange.undone_by))
    ).all()


def last_of(session: Session, table: str, key: object, limit: int = 500) -> RosterChange | None:
    """The last change, among the latest `limit`, that concerned this row."""
    for change in latest(session, limit):
        if any(entry["table"] == table and entry["id"] == key for entry in change.rows):
            return change
    return None


def to_undo(session: Session, user: User) -> RosterChange | None:
    """The last change `user` has made and not undone."""
    return session.scalars(
        select(RosterChange)
        .where(RosterChange.by_id == user.id, RosterChange.undone_at.is_(None))
        .order_by(RosterChange.id.desc())
        .limit(1)
    ).first()


def undo(session: Session, change: RosterChange, by: User, now: datetime) -> None:
    """Put every row of `change` back as it was. Raises CantUndo when one has changed since; then nothing is done."""
    mine = update(RosterChange).where(RosterChange.id == change.id, RosterChange.undone_at.is_(None))
    if not session.execute(mine.values(undone_at=now, undone_by_id=by.id)).rowcount:  # type: ignore[attr-defined]
        raise CantUndo(_("This has been undone already."))
    found = [(entry, _locked(session, entry)) for entry in change.rows]
    for entry, row in found:
        if (row is None) != (entry["after"] is None) or (row is not None and not _same(row, entry["after"])):
            raise CantUndo(_cant_words(session, change, entry))
    for entry, _row in found:
        if entry["before"] is not None and entry["table"] == Shift.__tablename__:
            _refuse_overlap(session, entry, [one["id"] for one in change.rows if one["table"] == entry["table"]])
    order = list(TABLES)
    for entry, row in sorted(found, key=lambda pair: -order.index(pair[0]["table"])):
        if entry["before"] is None and row is not None:
            session.delete(row)
            session.flush()
    for entry, row in sorted(found, key=lambda pair: order.index(pair[0]["table"])):
        if entry["before"] is not None:
            _put_back(session, entry, row)
    session.refresh(change)


def _entry(row: Model, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    key = inspect(type(row)).primary_key[0].name
    return {"table": row.__tablename__, "id": (before or after or {})[key], "before": before, "after": after}


def _locked(session: Session, entry: dict[str, Any]) -> Any:
    model = TABLES[entry["table"]]
    key = inspect(model).primary_key[0]
    value = date.fromisoformat(entry["id"]) if model is Holiday else entry["id"]
    query = select(model).where(key == value).with_for_update(of=model)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _same(row: Any, after: dict[str, Any]) -> bool:
    """Whether a row is as a change left it. Its version says how often it was changed, not what it is."""
    now = snapshot(row)
    return all(now.get(name) == value for name, value in after.items() if name != "version")


def _put_back(session: Session, entry: dict[str, Any], row: Any) -> None:
    model, before = TABLES[entry["table"]], entry["before"]
    version = row.version if row is not None and "version" in before else None
    if row is None:
        row = model()
        session.add(row)
    for name, column in inspect(model).columns.items():
        if name in before:
            setattr(row, name, _value(column.type, before[name]))
    if version is not None:  # a row that comes back has the version it went with
        row.version = version + 1
    session.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _value(kind: Any, value: Any) -> Any:
    """A value of a column as it was before JSON."""
    if value is None:
        return None
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(kind, Date) else value


def _refuse_overlap(session: Session, entry: dict[str, Any], own: list[int]) -> None:
    """A shift comes back only where its person has none meanwhile."""
    before = entry["before"]
    other = session.scalars(
        select(Shift).where(
            Shift.user_id == before["user_id"],
            Shift.override == before["override"],
            Shift.line_id.is_not_distinct_from(before["line_id"]),
            Shift.region_id.is_not_distinct_from(before["region_id"]),
            Shift.starts_at < datetime.fromisoformat(before["ends_at"]),
            Shift.ends_at > datetime.fromisoformat(before["starts_at"]),
            Shift.id.not_in(own),
        )
    ).first()
    if other is not None:
        raise CantUndo(_("%(name)s has another shift at that time now, so this can't be undone.", name=other.user.name))


def _cant_words(session: Session, change: RosterChange, entry: dict[str, Any]) -> str:
    last = last_of(session, entry["table"], entry["id"])
    if last is not None and last.id != change.id and last.by is not None:
        return _("%(name)s has changed this since, so it can't be undone. Change it by hand.", name=last.by.name)
    return _("This has been changed since, so it can't be undone. Change it by hand.")

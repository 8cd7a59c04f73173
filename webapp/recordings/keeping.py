"""How long recordings are kept: retention per line, legal hold, and clients who are never recorded.

A recording that is deleted leaves its row as the record of it, without file, picture and levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select, update
from sqlalchemy.orm import Session

from sipbridge.events import ForbidRecording
from webapp import feed
from webapp.accounts.models import Role, User
from webapp.calls import control, trace
from webapp.calls.models import LIVE, Call
from webapp.clients import changes
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.db import only_reading
from webapp.office.models import Line
from webapp.recordings import files
from webapp.recordings.models import Recording

LONGEST_WHY = 200
AT_ONCE = 200

log = structlog.get_logger()


# Retention


def delete_due(session: Session, folder: Path, now: datetime, more: Callable[[], bool]) -> int:
    """Delete what is past its line's days, and what was forbidden; returns how many. Commits after each."""
    deleted = 0
    while more() and (due := _due(session, now)):
        for recording_id in due:
            if not more():
                break
            try:
                deleted += _delete(session, folder, recording_id, now)
            except OSError as error:
                session.rollback()
                log.warning("a recording could not be deleted", recording=recording_id, error=type(error).__name__)
                return deleted
    return deleted


def _due(session: Session, now: datetime) -> Sequence[int]:
    """Up to AT_ONCE that are due. All that is kept is looked through, so nobody may wait for that to write."""
    query = select(Recording.id).join(Call, Call.id == Recording.call_id)
    with only_reading():
        found = session.scalars(query.where(_is_due(_lines(session), now)).limit(AT_ONCE)).all()
        session.commit()
    return sorted(found)


def _lines(session: Session) -> Sequence[Line]:
    return session.scalars(select(Line).where(Line.keep_recordings_days.is_not(None))).all()


def _is_due(lines: Sequence[Line], now: datetime) -> ColumnElement[bool]:
    """The condition on Recording joined with its Call."""
    return and_(
        or_(Recording.stopped == "forbidden", *(_is_old(line, now) for line in lines)),
        Recording.path != literal_column("''"),
        Recording.held_at.is_(None),
    )


def _is_old(line: Line, now: datetime) -> ColumnElement[bool]:
    made_at = func.coalesce(Recording.ready_at, Call.offered_at, type_=Recording.ready_at.type)
    return and_(Call.line_id == line.id, made_at < now - timedelta(days=line.keep_recordings_days or 0))


def _delete(session: Session, folder: Path, recording_id: int, now: datetime) -> bool:
    """Delete one that is still due: a hold that came first wins. The file goes first, so that none is forgotten."""
    recording = session.scalars(select(Recording).where(Recording.id == recording_id).with_for_update()).one()
    if recording.held_at is not None or not recording.path:
        session.commit()
        return False
    files.remove_all(folder, recording.path, recording.original)
    forbidden = recording.stopped == "forbidden"
    call = session.get_one(Call, recording.call_id)
    if forbidden:
        trace.add(session, call, now, "recording_forbidden")
    else:
        line = session.get(Line, call.line_id) if call.line_id else None
        days = line.keep_recordings_days if line else None
        trace.add(session, call, now, "recording_forgotten", days=days or "")
    recording.path, recording.original, recording.size = "", "", 0
    recording.peaks, recording.levels = [], []
    recording.deleted_at, recording.deleted_why = now, "forbidden" if forbidden else "retention"
    session.commit()
    return True


def due_of_lines(session: Session, now: datetime) -> dict[int, int]:
    """How many recordings of each line are past their days and wait for the worker; lines without any are left out."""
    lines = _lines(session)
    if not lines:
        return {}
    query = (
        select(Call.line_id, func.count(Recording.id))
        .join(Call, Call.id == Recording.call_id)
        .where(_is_due(lines, now), Call.line_id.is_not(None))
        .group_by(Call.line_id)
    )
    return {line_id: count for line_id, count in session.execute(query).tuples() if line_id is not None}


# Legal hold


def hold(session: Session, call: Call, why: str, user: User, now: datetime) -> LazyString | None:
    """Keep all that was recorded of the call, whatever its age. None when done, else what is wrong."""
    why = " ".join(why.split())
    if not why:
        return _l("Write why it has to be kept.")
    if len(why) > LONGEST_WHY:
        return _l("At most %(most)d characters.", most=LONGEST_WHY)
    held = session.execute(
        update(Recording)
        .where(Recording.call_id == call.id, Recording.path != "", Recording.stopped != "forbidden")
        .values(held_at=now, held_by_id=user.id, held_why=why),
        execution_options={"synchronize_session": False},
    )
    session.expire_all()
    if not held.rowcount:  # type: ignore[attr-defined]
        return _l("There is nothing to keep any more.")
    trace.add(session, call, now, "recording_held", name=user.name, reason=why)
    session.flush()
    return None


def release(session: Session, call: Call, user: User, now: datetime) -> None:
    """From now on its age counts again; that it was held stays in the call's trace."""
    held = [recording for recording in call.recordings if recording.held_at is not None]
    if held:
        trace.add(session, call, now, "recording_released", name=user.name, reason=held[0].held_why)
    for recording in held:
        recording.held_at, recording.held_by_id, recording.held_why = None, None, ""
    session.flush()


# Clients who are never recorded


def never_record(session: Session, client: Client, never: bool, user: User, now: datetime) -> None:
    """Whether talks with this client are recorded from now on, the one that goes on included."""
    changes.put(session, client, client, "never_record", never, Author(user, now))
    session.flush()
    for call in session.scalars(select(Call).where(Call.client_id == client.id, Call.state.in_(LIVE))):
        respect(session, call, user, now)
    feed.announce_all(session, "card", client.id, now)


def may_pause(session: Session, call: Call, user: User) -> bool:
    """Who talks, and the head, while the talk is recorded."""
    recording = call.recording()
    if call.state != "talking" or not (call.line and call.line.record) or (recording and recording.stopped):
        return False
    if call.client is not None and call.client.never_record:
        return False
    return user.has_role(Role.HEAD) or control.has_it(session, call, user)


def may_say(client: Client, user: User) -> bool:
    """The head and the client's own manager say whether it is recorded."""
    return user.has_role(Role.HEAD) or client.owner_id == user.id


def respect(session: Session, call: Call, user: User | None, now: datetime) -> None:
    """The caller turned out to be a client who is never recorded: stop, and delete what there is."""
    if call.client is None or not call.client.never_record:
        return
    if call.state in LIVE:
        control.ask(session, ForbidRecording(call.call_id), user, now)
    for recording in call.recordings:
        if recording.kind == "talk" and recording.held_at is None:
            recording.stopped = "forbidden"
    session.flush()

"""What is done with a list as a whole: brought, read otherwise, looked through, taken in, left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.imports import columns, files, queries, reading
from webapp.imports.files import BadFile
from webapp.imports.models import ColumnMapping, Import, ImportRow
from webapp.jobs import work as jobs
from webapp.rules import extra

KINDS = {"clients": _l("Clients"), "exhibition": _l("Exhibition list")}


class Busy(ValueError):
    """The list is being worked at, or is through: what is asked comes too late or too early."""


def bring(
    session: Session, data: Path, stream: IO[bytes], name: str, kind: str, user: User, now: datetime, country: str
) -> Import:
    """Keep an uploaded list and guess how it is read. Flushes. Raises BadFile, and nothing is kept."""
    file = files.keep(data, stream)
    try:
        look = reading.look(files.path_of(data, file))
    except BadFile:
        files.delete(data, file)
        raise
    import_ = Import(
        kind=kind,
        name=" ".join(name.replace("\0", "").split())[:200] or "?",
        file=file,
        made_at=now,
        made_by_id=user.id,
    )
    _read_as(session, import_, look, country)
    session.add(import_)
    session.flush()
    return import_


def read_otherwise(session: Session, data: Path, import_: Import, wanted: Mapping[str, Any], country: str) -> None:
    """Read the file in another encoding, by another delimiter, from another sheet. Raises BadFile, and Busy."""
    _must_be(session, import_, "mapping")
    _read_as(session, import_, reading.look(files.path_of(data, import_.file), dict(wanted)), country)
    session.flush()


def _read_as(session: Session, import_: Import, look: reading.Look, country: str) -> None:
    import_.form, import_.headers = look.form, look.headers
    own = {one.key: one.names.values() for one in extra.fields(session)}
    known = queries.remembered(session, columns.digest(look.headers)) if look.form["header"] else None
    guessed = known if known is not None else columns.guess(look.headers, look.first, own, country)
    import_.mapping = {
        at: name for at, name in guessed.items() if columns.known(name, own) and int(at) < len(look.headers)
    }
    import_.options = {**(import_.options or {}), "remembered": known is not None}


def look_through(
    session: Session, import_: Import, mapping: Mapping[str, str], options: Mapping[str, Any], user: User, now: datetime
) -> None:
    """Say how the columns are read and have the list looked through. Flushes. Raises Busy."""
    _must_be(session, import_, "mapping")
    import_.mapping, import_.options = dict(mapping), {**import_.options, **options}
    if import_.form.get("header"):
        session.merge(ColumnMapping(headers=columns.digest(import_.headers), mapping=dict(mapping), at=now))
    import_.state, import_.counts = "preview", {}
    import_.job = jobs.ask(session, "preview", {"import": import_.id}, user, now)
    session.flush()


def change_columns(session: Session, import_: Import, now: datetime) -> None:
    """Back to the columns; what was thought of the rows is forgotten. Flushes. Raises Busy."""
    _must_be(session, import_, "preview")
    if import_.job and import_.job.open:
        jobs.stop(session, import_.job, now)
    session.execute(delete(ImportRow).where(ImportRow.import_id == import_.id))
    import_.state, import_.counts = "mapping", {}
    session.flush()


def run(session: Session, import_: Import, user: User, now: datetime) -> None:
    """Take the list in. Flushes. Raises Busy unless it was looked through to its end."""
    _must_be(session, import_, "preview")
    if import_.job is None or import_.job.state != "done":
        raise Busy
    total = int(import_.options.get("rows", 0))
    import_.job = jobs.ask(session, "import", {"import": import_.id}, user, now, total=total)
    import_.state, import_.counts = "running", {}
    session.flush()


def leave(session: Session, import_: Import, now: datetime) -> None:
    """Give a list up: what is on cards stays. Flushes. Raises Busy for one that is through."""
    hold(session, import_)
    if import_.state in ("done", "stopped"):
        raise Busy
    if import_.job and import_.job.open:
        jobs.stop(session, import_.job, now)
    import_.state = "stopped"
    session.flush()


def hold(session: Session, import_: Import) -> None:
    """The list as it is now, and nobody else does anything with it before the commit: of two clicks, one counts."""
    session.refresh(import_, ["state", "counts", "job_id"], with_for_update=True)
    session.expire(import_, ["job"])


def _must_be(session: Session, import_: Import, state: str) -> None:
    hold(session, import_)
    if import_.state != state:
        raise Busy


def state_of(import_: Import) -> str:
    """mapping, looking, looked, running, halted, done or stopped: the list's state with its job's."""
    job = import_.job
    if import_.state in ("preview", "running") and job is not None:
        if job.open:
            return "looking" if import_.state == "preview" else "running"
        if job.state in ("failed", "stopped"):
            return "halted"
        return "looked" if import_.state == "preview" else "running"
    return import_.state

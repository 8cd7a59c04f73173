"""Files of lists: at once when they are short, in the background when they are long. Each is written down as a job.

So the head sees who took how many cards out of the house, and when. A file under way lives in the worker's memory and
on its disk: a worker that begins anew begins the file anew, for it only reads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from flask import Response, current_app
from flask_babel import force_locale, get_locale
from sqlalchemy import delete
from sqlalchemy.orm import Session

from webapp import hx, sheets
from webapp.accounts.models import User
from webapp.db import able_to_write, only_reading
from webapp.exports import lists
from webapp.exports.lists import List
from webapp.jobs import work
from webapp.jobs.models import Job

KIND = "export"
AT_ONCE = 5000
"""Things of a list that a page may wait for."""
KEPT = timedelta(days=1)
"""So long a file waits to be fetched."""
REMEMBERED = timedelta(days=365)
work.STEPS[KIND] = "webapp.exports.work:step"


def deliver(
    session: Session, what: str, ending: str, filters: Mapping[str, Any], count: int, user: User, now: datetime
) -> Response:
    """The file of a short list, or the page where a long one is made; either is written down, and committed.

    `count`: how many things the list has, AT_ONCE + 1 for "more than a page may wait for".
    """
    facts = {"list": what, "ending": ending, "filters": dict(filters), "language": str(get_locale() or "en")}
    job = work.ask(session, KIND, facts, user, now)
    if count > AT_ONCE:
        session.commit()
        return hx.go("exports.page", job_id=job.id)
    job.state, job.done, job.total, job.ended_at = "done", count, count, now
    session.commit()
    with only_reading():  # whoever is slow to fetch the file must hold up nobody
        one = lists.make(session, what, filters)
        file = _at_once(session, one, ending)
        session.rollback()
    return sheets.sent(file, ending, (*one.name, now.date().isoformat()))


def hand_out(
    session: Session,
    what: str,
    ending: str,
    user: User,
    now: datetime,
    name: Sequence[str],
    columns: Sequence[sheets.Column],
    rows: Iterable[sheets.Row],
    heading: str = "",
    after: Callable[[], Iterable[sheets.Row]] = tuple,
) -> Response:
    """The file of a list that is never long, as `sheets.send`; written down once it is whole, and committed.

    `what` and the rest of `name` after its first are how the page of exports calls it.
    """
    passed = 0

    def counted() -> Iterator[sheets.Row]:
        nonlocal passed
        for row in rows:
            passed += 1
            yield row

    answer = sheets.send(ending, name, columns, counted(), heading, after)
    session.rollback()  # what was read so far could not turn into a writer
    with able_to_write():
        job = work.ask(
            session, KIND, {"list": what, "of": " ".join(filter(None, name[1:])), "ending": ending}, user, now
        )
        job.state, job.done, job.total, job.ended_at = "done", passed, passed, now
        session.commit()
    return answer


def _at_once(session: Session, one: List, ending: str) -> IO[bytes]:
    if ending == "xlsx":
        return sheets.as_xlsx(one.columns, one.rows(session))
    return sheets.in_a_file(sheets.as_csv(one.columns, one.rows(session)))


# In the background


@dataclass
class _UnderWay:
    """A file of this worker: `after` is where its next batch begins."""

    book: sheets.Book
    file: IO[bytes]
    after: int


_under_way: dict[int, _UnderWay] = {}


def step(session: Session, job: Job, now: datetime) -> bool:
    """One batch of a file; the last one puts it where it is fetched from."""
    with force_locale(job.facts["language"]):
        one = lists.make(session, job.facts["list"], job.facts["filters"])
        mine = _under_way.get(job.id)
        if mine is None or mine.after != job.facts.get("after", 0):
            mine = _begin(job, one)
        found = one.batch(session, mine.after)
        for row in found.rows:
            mine.book.add(row)
        job.done += found.things
        job.total = max(job.total, job.done)
        if found.after is not None:
            mine.after = found.after
            job.facts = {**job.facts, "after": found.after}
            return True
    mine.book.close()
    mine.file.close()
    del _under_way[job.id]
    _part(job.id).replace(path(job.id, job.facts["ending"]))
    job.facts = {**job.facts, "file": sheets.file_name((*one.name, now.date().isoformat()), job.facts["ending"])}
    job.total = job.done
    return False


def _begin(job: Job, one: List) -> _UnderWay:
    """A new file in place of whatever was under way: one job is done at a time."""
    for left in _under_way.values():
        with contextlib.suppress(OSError, ValueError):
            left.book.close()
            left.file.close()
    _under_way.clear()
    job.done, job.facts = 0, {**job.facts, "after": 0}
    folder().mkdir(mode=0o700, exist_ok=True)
    file = _part(job.id).open("wb")
    book = sheets.XlsxBook(file, one.columns) if job.facts["ending"] == "xlsx" else sheets.CsvBook(file, one.columns)
    found = _under_way[job.id] = _UnderWay(book, file, 0)
    return found


def folder() -> Path:
    """Where files wait to be fetched."""
    data: Path = current_app.config["SETTINGS"].data
    return data / "exports"


def path(job_id: int, ending: str) -> Path:
    """The file of a job."""
    return folder() / f"{job_id}.{ending}"


def _part(job_id: int) -> Path:
    return folder() / f"{job_id}.part"


def forget(session: Session, now: datetime) -> None:
    """Delete files that have waited long enough, and what is known of exports long ago. Commits nothing."""
    if folder().is_dir():
        for file in folder().iterdir():
            if now.timestamp() - file.stat().st_mtime > KEPT.total_seconds():
                file.unlink(missing_ok=True)
    session.execute(delete(Job).where(Job.kind == KIND, Job.ended_at < now - REMEMBERED))

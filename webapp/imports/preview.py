"""Reading a list and looking through it before anything is changed: what would be new, matched, doubtful, refused.

Where the reading is, only the worker's memory knows: a worker that died begins anew, which costs nothing but time.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from flask import current_app
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from webapp.clients.models import Client
from webapp.clients.weigh import Key
from webapp.db import only_reading
from webapp.imports import entries, exhibition, files, finding, reading, taking
from webapp.imports.entries import Lists
from webapp.imports.files import MOST_ROWS, BadFile
from webapp.imports.finding import Outcome, Seen
from webapp.imports.models import Import, ImportRow
from webapp.imports.rows import Row
from webapp.imports.work import COUNTED, TOGETHER, Looker, Plan, count, in_language, row_of
from webapp.jobs.models import Job
from webapp.jobs.work import JobFailed
from webapp.rules import extra

READ_AT_ONCE = 2_000
LOOKED_AT_ONCE = 100
SAMPLES = 6
MOST_KEPT = 2_000
"""Refused rows kept for the preview; the run keeps them all."""


class _UnderWay:
    """A list that is being read: first into rows, then row by row."""

    def __init__(self, job_id: int, import_: Import) -> None:
        data = current_app.config["SETTINGS"].data
        self.job_id = job_id
        # What names a client, by itself: the list's row of the database is another one in every batch.
        self.mapping = {at: name for at, name in import_.mapping.items() if not name.startswith(extra.PREFIX)}
        self.headers, self.kind = list(import_.headers), import_.kind
        self.path = files.rows_path(data, import_.file)
        self.part = self.path.with_suffix(".part")
        self.rows: Iterator[Row] | None = reading.rows(
            files.path_of(data, import_.file), import_.form, len(import_.headers)
        )
        self.writing: IO[bytes] = open(  # noqa: SIM115 - it stays open from batch to batch
            os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
        )
        self.total = self.place = 0
        self.looker: Looker | None = None
        self.seen: Seen | None = None
        self.digests: set[int] = set()
        self.siblings: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.given: dict[str, int] = {}
        self.samples: dict[str, list[dict[str, Any]]] = {}
        self.refused = 0

    def read_on(self) -> None:
        """Some more rows out of the file. Raises BadFile."""
        assert self.rows is not None  # noqa: S101
        taken = 0
        for row in itertools.islice(self.rows, READ_AT_ONCE):
            reading.write(self.writing, row)
            taken += 1
        self.total += taken
        if self.total > MOST_ROWS:
            raise BadFile(files.too_many_rows())
        if taken < READ_AT_ONCE:
            self.rows = None
            self.writing.close()
            self.part.replace(self.path)

    def close(self) -> None:
        """Let go of everything."""
        self.rows = None
        self.writing.close()
        self.part.unlink(missing_ok=True)


_under_way: dict[int, _UnderWay] = {}
"""One at most: the worker does one job at a time."""


def step(session: Session, job: Job, now: datetime) -> bool:
    """One batch of the preview."""
    import_id, job_id = int(job.facts["import"]), job.id
    session.rollback()  # reading takes its time: nobody shall wait for it
    with only_reading():
        import_ = session.get_one(Import, import_id)
        if import_.job_id != job_id:  # resumed, though the list has gone on to other work
            return False
        with in_language(import_):
            try:
                anew = job_id not in _under_way
                work = _under_way.get(job_id) or _begin(job_id, import_)
                rows = [] if work.rows is not None and _read(work) else _look(session, import_, work)
            except BadFile as why:
                _forget()
                raise JobFailed(str(why.message)) from None
            except BaseException:
                _forget()
                raise
        session.rollback()
    job, import_ = session.get_one(Job, job_id), session.get_one(Import, import_id)
    if anew:
        session.execute(delete(ImportRow).where(ImportRow.import_id == import_id))
        job.done = 0
    if rows:
        session.execute(insert(ImportRow), rows)
    reading_still = work.looker is None
    job.total = 0 if reading_still else work.total
    job.done = work.total if reading_still else sum(work.counts[state] for state in COUNTED)
    import_.counts = dict(work.counts)
    if reading_still or job.done < work.total:
        return True
    import_.options = {**import_.options, "samples": work.samples, "given": work.given, "rows": work.total}
    _forget()
    return False


def _begin(job_id: int, import_: Import) -> _UnderWay:
    _forget()
    work = _under_way[job_id] = _UnderWay(job_id, import_)
    return work


def _forget() -> None:
    while _under_way:
        _under_way.popitem()[1].close()


def _read(work: _UnderWay) -> bool:
    work.read_on()
    return True


def _look(session: Session, import_: Import, work: _UnderWay) -> list[dict[str, Any]]:
    """Look some more rows up; those to be kept."""
    work.looker = looker = Looker(session, import_)
    if work.seen is None:
        lists = looker.lists
        work.seen = Seen(lambda place: _card_at(work, place, lists))
    spread = exhibition.spread(session, import_, work.given)
    plans: list[Plan] = []
    with work.path.open("rb") as file:
        file.seek(work.place)
        for _turn in range(LOOKED_AT_ONCE // TOGETHER):
            some: list[tuple[int, Row]] = []
            while len(some) < TOGETHER and (row := reading.read(file)):
                some.append((work.place, row))
                work.place = file.tell()
            if some:
                plans += _in_the_list(looker.look(some, alone=False)[0], looker, work)
    owners = _owners(session, plans) if spread else {}
    for plan in plans:
        state, entry = plan.outcome.state, plan.entry
        count(work.counts, plan)
        if spread and state in ("new", "matched") and not plan.outcome.known:
            own = owners.get(plan.outcome.client_id or 0) or entry.ids.get("owner_id")
            if own:
                spread.given[f"own:{own}"] = spread.given.get(f"own:{own}", 0) + 1
            elif state == "new" or plan.outcome.client_id:
                spread.whose(entry.ids.get("region_id"))
        some_samples = work.samples.setdefault(state, [])
        if state in ("new", "matched") and len(some_samples) < SAMPLES:
            sample = {"number": entry.row.number, "title": entry.title, "client": plan.outcome.client_id}
            some_samples.append({**sample, "why": list(plan.outcome.why), "points": [p.value for p in entry.points]})
    work.given = spread.given if spread else {}
    return [
        row_of(import_, plan.entry, plan.outcome)
        for plan in plans
        if plan.outcome.state == "doubtful" or (plan.outcome.state == "refused" and _one_more(work))
    ]


def _one_more(work: _UnderWay) -> bool:
    work.refused += 1
    return work.refused <= MOST_KEPT


def _in_the_list(plans: list[Plan], looker: Looker, work: _UnderWay) -> list[Plan]:
    """The plans, with rows seen that say again what an earlier row of the list says."""
    assert work.seen is not None  # noqa: S101
    for plan in plans:
        if plan.card is None:
            continue
        digest = hash(plan.entry.digest)
        if plan.entry.siblings in work.siblings:
            plan.card, plan.outcome = None, Outcome("matched")
            continue
        sure = work.seen.certainty(plan.entry.asked(looker.country))
        if digest in work.digests or sure == "same":
            plan.card, plan.outcome = None, Outcome("matched")
        elif sure:
            plan.card, plan.outcome = None, Outcome("doubtful")
        else:
            work.seen.add(finding.weighed(plan.card.keys), plan.place)
            work.digests.add(digest)
            if plan.entry.siblings:
                work.siblings.add(plan.entry.siblings)
    return plans


def _card_at(work: _UnderWay, place: int, lists: Lists) -> set[Key]:
    with work.path.open("rb") as file:
        file.seek(place)
        row = reading.read(file)
    if row is None:
        return set()
    return finding.weighed(taking.prepare(entries.read(row, work.mapping, work.headers, lists, work.kind)).keys)


def _owners(session: Session, plans: list[Plan]) -> dict[int, int]:
    ids = {plan.outcome.client_id for plan in plans if plan.outcome.client_id}
    rows = session.query(Client.id, Client.owner_id).where(Client.id.in_(ids), Client.owner_id.is_not(None))
    return {client_id: owner_id for client_id, owner_id in rows if owner_id}

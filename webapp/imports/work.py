"""Taking a list in, batch by batch, while calls go on popping: the steps of the jobs `preview` and `import`.

A batch is looked through without holding anything, then written in one short transaction together with the job's
place: a worker killed at any moment loses no row and takes none twice. A row that may be the same client as another
one of its batch waits for the next batch, when that one is a card like any other.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.clients import contacts, verdicts
from webapp.clients.changes import Author
from webapp.db import only_reading
from webapp.imports import entries, exhibition, files, finding, reading, reasons, taking
from webapp.imports.entries import Entry, Lists
from webapp.imports.finding import Fresh, Outcome
from webapp.imports.models import Import, ImportRow
from webapp.imports.rows import Row
from webapp.imports.spread import Spread
from webapp.jobs.models import Job
from webapp.jobs.work import JobFailed
from webapp.office.models import ClientStatus

AT_ONCE = 60
"""Rows of a batch: what is written for them keeps others waiting for a few hundredths of a second."""
ADDING = 8
"""Rows of a batch that add to cards that are there, after which it ends: each is written by itself."""
TOGETHER = 20
"""Rows looked up together."""
REMEMBERED = 4 * AT_ONCE
"""Cards made of late: rows that were written from one card stand together."""
DECIDED = ("same", "another", "skip")
COUNTED = ("new", "matched", "doubtful", "refused")


@dataclass(slots=True)
class Plan:
    """What is to become of one row; `place` is where it lies among the rows that were read."""

    place: int
    entry: Entry
    outcome: Outcome
    card: taking.NewCard | None = None
    adds: bool = False
    told_apart: tuple[int, ...] = ()


@dataclass(slots=True)
class Batch:
    """Rows looked through. `later`: places of rows that wait for the next batch; `end`: where that one begins."""

    plans: list[Plan] = field(default_factory=list)
    later: list[int] = field(default_factory=list)
    end: int = 0
    over: bool = False
    newest_key: int = 0


def rows_of(import_: Import) -> Path:
    """Where the list's rows lie. Raises JobFailed when they are gone."""
    path = files.rows_path(current_app.config["SETTINGS"].data, import_.file)
    if not import_.file or not path.is_file():
        raise JobFailed(_("The file of this list is no longer there. Upload it again."))
    return path


@contextlib.contextmanager
def in_language(import_: Import) -> Iterator[None]:
    """What is written down for people is written in the language of whoever brought the list."""
    language = import_.made_by.language if import_.made_by else ""
    with force_locale(language or "en"):
        yield


def take_in(session: Session, job: Job, now: datetime) -> bool:
    """One batch of the run."""
    import_id, job_id = int(job.facts["import"]), job.id
    session.rollback()  # looking the rows through takes its time: nobody shall wait for it
    with only_reading():
        import_ = session.get_one(Import, import_id)
        if import_.job_id != job_id:  # resumed, though the list has gone on to other work
            return False
        if job.facts.get("over"):
            batch = None
        else:
            with in_language(import_):
                batch = look_through(session, import_, job.facts)
        session.rollback()
    job, import_ = session.get_one(Job, job_id), session.get_one(Import, import_id)
    if batch is None:
        files.delete(current_app.config["SETTINGS"].data, import_.file)
        import_.file = ""
        return False
    _write(session, job, import_, batch, now)
    return True


def look_through(session: Session, import_: Import, facts: dict[str, Any], at_once: int = AT_ONCE) -> Batch:
    """The next rows with what is to become of each. Only reads."""
    looker = Looker(session, import_, facts.get("siblings"))
    batch = Batch(end=int(facts.get("at", 0)), newest_key=finding.newest_key(session))
    waiting: list[int] = list(facts.get("again", []))
    batch.later = waiting[at_once:]
    with rows_of(import_).open("rb") as file:
        found = _next_rows(file, waiting[:at_once], batch, at_once)
        while some := list(itertools.islice(found, TOGETHER)):
            plans, later = looker.look(some)
            batch.plans += plans
            batch.later += later
            if sum(plan.adds for plan in batch.plans) >= ADDING:
                taken = len(batch.plans) + len(batch.later) - len(waiting[at_once:])
                batch.later += waiting[taken:at_once]
                break
    return batch


class Looker:
    """Looks rows up, one after the other; what it has taken as new is known to it like a card.

    `siblings`: cards that this list has made -> their ids, by `Entry.siblings`.
    """

    def __init__(self, session: Session, import_: Import, siblings: Mapping[str, int] | None = None) -> None:
        self.session, self.import_ = session, import_
        self.country = contacts.office_country()
        self.lists = Lists(session, self.country)
        self.fresh = Fresh()
        self.siblings = dict(siblings or {})
        self._taken: set[str] = set()
        self._numbers: set[str] = set()
        self._statuses: dict[int, bool] = {}

    def look(self, rows: Sequence[tuple[int, Row]], alone: bool = True) -> tuple[list[Plan], list[int]]:
        """What is to become of rows at these places; and the places of those that must wait for a card to be made.

        `alone` False: each by itself, whatever the others may be.
        """
        import_, session = self.import_, self.session
        read = [(at, entries.read(row, import_.mapping, import_.headers, self.lists, import_.kind)) for at, row in rows]
        good = [entry for _at, entry in read if not entry.refused]
        before = finding.taken_before(session, {entry.digest for entry in good})
        numbered = finding.by_number(session, good)
        decided = _decisions(session, import_, [entry.row.number for _at, entry in read])
        plans, later = [], []
        for place, entry in read:
            if alone and not entry.refused and (entry.digest in self._taken or entry.siblings in self._numbers):
                later.append(place)
                continue
            plan = Plan(place, entry, self._outcome(entry, before, numbered, decided.get(entry.row.number)))
            if said := decided.get(entry.row.number):
                plan.told_apart = tuple(reasons.read(said.reason).get("not", ()))
            if plan.outcome.state == "new" and not self._as_new(plan, alone):
                later.append(place)
                continue
            if plan.outcome.state in ("new", "matched") and not plan.outcome.known:
                self._taken.add(entry.digest)
            if plan.card and entry.siblings:
                self._numbers.add(entry.siblings)
            plans.append(plan)
        self._see_what_is_lacking(plans)
        return plans, later

    def _outcome(
        self, entry: Entry, before: dict[str, int], numbered: dict[int, int], said: ImportRow | None
    ) -> Outcome:
        if entry.refused:
            return Outcome("refused")
        if entry.digest in before:
            return Outcome("matched", before[entry.digest], known=True)
        if said is not None and said.state == "skip":
            entry.refused = reasons.as_text("skip")
            return Outcome("refused")
        if said is not None and said.state == "same" and said.client_id:
            there = finding.survivors(self.session, [said.client_id])
            if there:
                return Outcome("matched", there[said.client_id])
        if said is None and (found := numbered.get(entry.card) or self.siblings.get(entry.siblings)):
            return Outcome("matched", found, ("card",))
        exclude = reasons.read(said.reason).get("not", ()) if said is not None else ()
        return finding.decide(self.session, entry, self.country, exclude)

    def _as_new(self, plan: Plan, alone: bool) -> bool:
        """Prepare a new card; False when it may be one of those that are about to be made."""
        entry, status = plan.entry, plan.entry.ids.get("status_id")
        if status and not self._may_become(status):
            name = self.session.get_one(ClientStatus, status).name
            entry.refused, plan.outcome = reasons.as_text("rules", _("Status"), name), Outcome("refused")
            return True
        if alone and self.fresh.certainty(entry.asked(self.country)):
            return False
        plan.card = taking.prepare(entry)
        if alone:
            self.fresh.add(finding.weighed(plan.card.keys))
        return True

    def _may_become(self, status_id: int) -> bool:
        if status_id not in self._statuses:
            self._statuses[status_id] = taking.may_become(self.session, status_id)
        return self._statuses[status_id]

    def _see_what_is_lacking(self, plans: Sequence[Plan]) -> None:
        matched = [plan for plan in plans if plan.outcome.state == "matched" and not plan.outcome.known]
        if not matched:
            return
        there = taking.load(self.session, [plan.outcome.client_id for plan in matched if plan.outcome.client_id])
        for plan in matched:
            if client := there.get(plan.outcome.client_id or 0):
                unowned = self.import_.kind == "exhibition" and client.owner_id is None
                plan.adds = unowned or taking.lacks(client, plan.entry)


def _next_rows(file: IO[bytes], waiting: Sequence[int], batch: Batch, at_once: int) -> Iterator[tuple[int, Row]]:
    for place in waiting:
        file.seek(place)
        if row := reading.read(file):
            yield place, row
    file.seek(batch.end)
    for _turn in range(at_once - len(waiting)):
        row = reading.read(file)
        if row is None:
            batch.over = True
            return
        yield batch.end, row
        batch.end = file.tell()


def _decisions(session: Session, import_: Import, numbers: Sequence[int]) -> dict[int, ImportRow]:
    query = select(ImportRow).where(
        ImportRow.import_id == import_.id, ImportRow.number.in_(numbers), ImportRow.state.in_(DECIDED)
    )
    return {row.number: row for row in session.scalars(query)}


def _write(session: Session, job: Job, import_: Import, batch: Batch, now: datetime) -> None:
    """All that a batch changes, and how far the job is."""
    author = Author(import_.made_by, now, "import")
    written = finding.keys_since(session, batch.newest_key)
    plans, later = [], list(batch.later)
    for plan in batch.plans:
        # A card that appeared since may be this very client: the next batch will see it.
        if plan.card and (written is None or any((key.kind, key.key) in written for key in plan.card.keys)):
            later.append(plan.place)
        else:
            plans.append(plan)
    spread = exhibition.spread(session, import_, job.facts.get("given"))
    new = [plan.card for plan in plans if plan.card]
    for card in new:
        card.owner_id = card.entry.ids.get("owner_id") or exhibition.owner(import_, card.entry, spread)
    taking.make(session, new, import_.options.get("defaults", {}), author)
    for plan in plans:
        if plan.card:
            plan.outcome = plan.outcome._replace(client_id=plan.card.id)
            for other in plan.told_apart:
                if finding.survivors(session, [other]):
                    verdicts.say(session, plan.card.id, other, "other", author)
    _fill(session, import_, plans, spread, author)
    exhibition.owe_touches(session, import_, [plan for plan in plans if not plan.outcome.known], now)
    _keep(session, import_, plans)
    counts = Counter(import_.counts)
    for plan in plans:
        count(counts, plan)
    import_.counts = dict(counts)
    job.done += len(plans)
    over = batch.over and not later
    given = spread.given if spread else {}
    siblings = {
        **job.facts.get("siblings", {}),
        **{card.entry.siblings: card.id for card in new if card.entry.siblings},
    }
    siblings = dict(list(siblings.items())[-REMEMBERED:])
    job.facts = {
        **job.facts, "at": batch.end, "again": later, "given": given, "over": over, "siblings": siblings
    }  # fmt: skip
    if over:
        import_.state = "done"
        if import_.kind == "exhibition":
            people = {int(key.rpartition(":")[2]) for key in job.facts["given"]}
            feed.announce(session, sorted(people), "tasks", import_.id, now)
    session.flush()


def count(counts: Counter[str], plan: Plan) -> None:
    """Count a row by its state; and as `marked` phones and e-mails of new cards that can't be read."""
    counts[plan.outcome.state] += 1
    if plan.card and plan.entry.marked:
        counts["marked"] += plan.entry.marked


def _fill(session: Session, import_: Import, plans: Sequence[Plan], spread: Spread | None, author: Author) -> None:
    adding = [plan for plan in plans if plan.adds and plan.outcome.client_id]
    if not adding:
        return
    there = taking.load(session, [plan.outcome.client_id for plan in adding if plan.outcome.client_id])
    for plan in adding:
        client = there.get(plan.outcome.client_id or 0)
        if client is None:
            plan.entry.refused, plan.outcome = reasons.as_text("gone"), Outcome("refused")
            continue
        taking.fill(session, client, plan.entry, author, contacts.office_country())
        if spread is not None and client.owner_id is None:
            exhibition.give(session, client, spread, author)


def _keep(session: Session, import_: Import, plans: Sequence[Plan]) -> None:
    """What became of each row, instead of what the preview thought of it."""
    numbers = [plan.entry.row.number for plan in plans]
    if not numbers:
        return
    session.execute(
        delete(ImportRow).where(ImportRow.import_id == import_.id, ImportRow.number.in_(numbers)),
        execution_options={"synchronize_session": False},
    )
    session.execute(insert(ImportRow), [row_of(import_, plan.entry, plan.outcome, plan.told_apart) for plan in plans])


def row_of(import_: Import, entry: Entry, outcome: Outcome, told_apart: Sequence[int] = ()) -> dict[str, Any]:
    """The columns of an ImportRow. What somebody must look at keeps its cells."""
    reason = entry.refused
    if outcome.state == "doubtful":
        reason = reasons.doubt(outcome.why, told_apart)
    return {
        "import_id": import_.id,
        "number": entry.row.number,
        "digest": entry.digest,
        "state": outcome.state,
        "client_id": outcome.client_id,
        "reason": reason,
        "cells": entry.row.cells if outcome.state in ("doubtful", "refused") else None,
    }

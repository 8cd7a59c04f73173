"""A doubtful row is decided by a person: the same client, another one, or left out; before the run or after it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from webapp.clients import contacts, verdicts
from webapp.clients.changes import Author
from webapp.imports import entries, exhibition, finding, reasons, taking
from webapp.imports.entries import Entry, Lists
from webapp.imports.finding import Outcome
from webapp.imports.lists import Busy, hold
from webapp.imports.models import Import, ImportRow
from webapp.imports.rows import Row
from webapp.imports.work import DECIDED, Plan, row_of

VERDICTS = ("same", "another", "skip")


def entry_of(session: Session, import_: Import, row: ImportRow, lists: Lists | None = None) -> Entry:
    """A kept row, read by the list's columns."""
    lists = lists or Lists(session, contacts.office_country())
    return entries.read(Row(row.number, list(row.cells or [])), import_.mapping, import_.headers, lists, import_.kind)


def decide(session: Session, import_: Import, row: ImportRow, verdict: str, author: Author) -> None:
    """Say what a doubtful row is. Before the run it is kept for it, afterwards done at once. Flushes.

    After "another" the row may be like one more card: then it is doubtful still, with that one. Raises Busy while the
    list runs or when the row is decided for good, and ValueError for an unknown word.
    """
    if verdict not in VERDICTS or (verdict == "same" and row.client_id is None):
        raise ValueError(verdict)
    hold(session, import_)
    session.refresh(row, ["state", "client_id", "reason"])
    if import_.state == "preview" and row.state in ("doubtful", *DECIDED):
        _note(row, verdict)
        row.state = verdict
    elif import_.state == "done" and row.state == "doubtful":
        _do(session, import_, row, verdict, author)
    else:
        raise Busy
    session.flush()


def _note(row: ImportRow, verdict: str) -> None:
    about = reasons.read(row.reason)
    told_apart = set(about.get("not", ())) - {row.client_id}
    if verdict == "another" and row.client_id:
        told_apart.add(row.client_id)
    row.reason = reasons.doubt(about.get("why", ()), told_apart)


def _do(session: Session, import_: Import, row: ImportRow, verdict: str, author: Author) -> None:
    country = contacts.office_country()
    entry = entry_of(session, import_, row)
    _note(row, verdict)
    told_apart = tuple(reasons.read(row.reason).get("not", ()))
    if verdict == "skip":
        entry.refused, outcome = reasons.as_text("skip"), Outcome("refused")
    elif verdict == "same":
        there = finding.survivors(session, [row.client_id] if row.client_id else [])
        outcome = Outcome("matched", next(iter(there.values()), None))
        if outcome.client_id is None:
            entry.refused, outcome = reasons.as_text("gone"), Outcome("refused")
    else:
        outcome = finding.decide(session, entry, country, told_apart)
    plan = Plan(0, entry, outcome)
    spread = exhibition.spread(session, import_, import_.job.facts.get("given") if import_.job else None)
    if outcome.state == "new":
        card = taking.prepare(entry)
        card.owner_id = entry.ids.get("owner_id") or exhibition.owner(import_, entry, spread)
        taking.make(session, [card], import_.options.get("defaults", {}), author)
        plan.outcome = outcome._replace(client_id=card.id)
        for other in finding.survivors(session, told_apart):
            verdicts.say(session, card.id, other, "other", author)
    elif outcome.state == "matched" and outcome.client_id:
        client = taking.load(session, [outcome.client_id])[outcome.client_id]
        taking.fill(session, client, entry, author, country)
        if spread is not None and client.owner_id is None:
            exhibition.give(session, client, spread, author)
    if import_.job and spread is not None:
        import_.job.facts = {**import_.job.facts, "given": spread.given}
    exhibition.owe_touches(session, import_, [plan], author.at)
    counts = dict(import_.counts)
    counts["doubtful"] = counts.get("doubtful", 0) - 1
    counts[plan.outcome.state] = counts.get(plan.outcome.state, 0) + 1
    import_.counts = counts
    columns: dict[str, Any] = row_of(import_, entry, plan.outcome, told_apart)
    for name in ("state", "client_id", "reason", "cells"):
        setattr(row, name, columns[name])

"""What the desk made of the week, by the very reads its pages and reports use, beside what was told."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.week.office import STAFF
from tests.webapp.week.week import Week
from webapp.accounts.models import User
from webapp.calls import missed
from webapp.calls.models import Call
from webapp.calls.queries import promptness, state_of
from webapp.missed import episodes, report
from webapp.office.models import Line
from webapp.reports import ledger
from webapp.tasks.models import Task

Sums = dict[str, Any]
SALES = {"meeting": "meetings", "order": "sales", "offer": "offers"}
SPARE = timedelta(days=1)


def by_the_book(week: Week) -> Sums:
    """What must be, worked out from what was sent."""
    book = week.book
    calls = list(book.calls.values())
    promises = book.promises()
    contacts = [one for one in calls if book.end_of(one) == "talked"]
    sold = Counter(SALES[one.wrote] for one in contacts if one.wrote in SALES)
    return {
        "ends": book.ends(),
        "closed how": book.closed_how(),
        "answered": book.answered(),
        "rings": book.rings(),
        "per line": book.per_line(),
        "waiting": sorted(one.call_id for one in calls if book.is_waiting(one)),
        "each call": {one.call_id: (book.end_of(one), one.holder if one.answered_at else "") for one in calls},
        "ledger": {
            "rows": len(calls),
            "contacts": len(contacts),
            "incoming": sum(one.direction == "in" for one in calls),
            "missed": sum(one.is_missed for one in calls),
            "meetings": sold["meetings"],
            "sales": sold["sales"],
            "offers": sold["offers"],
            "unfinished": sum(not one.wrote for one in contacts),
            "talk": round(sum(one.talk for one in contacts), 3),
        },
        "escalated": {one.call_id: step for one in calls if (step := book.step(one, week.rounds))},
        "missed": _missed(week),
        "promises": {
            "made": len(promises),
            "kept": sum(one.kept_at is not None and not one.is_broken for one in promises),
            "late": sum(one.kept_at is not None and one.is_broken for one in promises),
            "open": sum(one.kept_at is None for one in promises),
            "told": sum(one.is_told(week.rounds, timedelta(0)) for one in promises),
            "told the head": sum(one.is_told(week.rounds, timedelta(minutes=10)) for one in promises),
        },
        "next touches": sum(one.wrote_next for one in calls),
        "notes": book.notes(),
        "gaps": dict.fromkeys(sorted(week.gaps), 1),
    }


def _missed(week: Week) -> Sums:
    """The head's figures of missed callers."""
    book, callers = week.book, week.book.callers()
    how = Counter(book.how(calls[0]) for calls in callers)
    minutes = sorted(found for calls in callers if (found := book.minutes(calls)) is not None)
    return {
        "callers": len(callers),
        "calls": sum(len(calls) for calls in callers),
        "waiting": how[""],
        "rang again": how["in"],
        "rung back": how["out"],
        "closed": how["reason"],
        "spoken with": len(minutes),
        "half within": round(minutes[(len(minutes) + 1) // 2 - 1], 6) if minutes else None,
        "worst": round(minutes[-1], 6) if minutes else None,
        "hours": Counter(calls[0].offered_at.astimezone(week.office.zone).hour for calls in callers),
    }


def by_the_desk(session: Session, week: Week) -> Sums:
    """The same as the desk has it."""
    logins = {name: login for login, (name, _role) in STAFF.items()}
    start, end = week.office.starts - SPARE, week.office.ends + SPARE
    rows = ledger.rows(session, start, end)
    totals = ledger.totals(rows)
    episodes_found, _more = episodes.find(session, episodes.Wanted("all", start, end), week.office.zone)
    head = report.of(episodes_found, {}, week.office.zone)
    calls = list(session.scalars(select(Call)))
    incoming = [one for one in calls if one.direction == "in" and one.answered_at]
    lines = {line.id: line.name for line in session.scalars(select(Line))}
    promises = list(session.scalars(select(Task).where(Task.kind == "promise")))
    kept = [(one.done_at, one.due_at) for one in promises if one.done_at]
    gaps = session.execute(
        select(Call.call_id, func.count(Task.id))
        .join(Call, Call.id == Task.call_id)
        .where(Task.kind == "gap")
        .group_by(Call.call_id)
    )
    noted = select(User.name).join(Task, Task.user_id == User.id).where(Task.kind == "note")
    return {
        "ends": Counter(row.state for row in rows),
        "closed how": Counter(one.missed_how for one in calls if one.is_missed),
        "answered": Counter(one.answered_by.login if one.answered_by else "" for one in incoming),
        "rings": Counter(promptness(one.rings) for one in incoming),
        "per line": Counter((lines[one.line_id] if one.line_id else "", state_of(one)) for one in calls),
        "waiting": sorted(
            call.call_id for waiting in missed.longest_waiting(session, 10**6)[0] for call in waiting.calls
        ),
        "each call": {
            row.call_id: (row.state, logins[row.manager] if row.state == "talked" and row.manager else "")
            for row in rows
        },
        "ledger": {
            "rows": totals.rows,
            "contacts": totals.contacts,
            "incoming": totals.incoming_calls,
            "missed": totals.missed,
            "meetings": totals.meetings,
            "sales": totals.sales,
            "offers": totals.offers,
            "unfinished": totals.unfinished,
            "talk": round(totals.talk_seconds, 3),
        },
        "escalated": {one.call_id: one.missed_told for one in calls if one.missed_told},
        "missed": {
            "callers": head.callers,
            "calls": head.calls,
            "waiting": head.waiting,
            "rang again": head.rang_again,
            "rung back": head.rung_back,
            "closed": head.closed,
            "spoken with": head.times.count,
            "half within": None if head.times.p50 is None else round(head.times.p50, 6),
            "worst": None if head.times.worst is None else round(head.times.worst, 6),
            "hours": Counter({hour: count for hour, count in head.hours if count}),
        },
        "promises": {
            "made": len(promises),
            "kept": sum(done <= due for done, due in kept),
            "late": sum(done > due for done, due in kept),
            "open": len(promises) - len(kept),
            "told": sum(one.overdue_told_at is not None for one in promises),
            "told the head": sum(one.head_told_at is not None for one in promises),
        },
        "next touches": session.scalar(select(func.count(Task.id)).where(Task.kind == "next_touch")) or 0,
        "notes": Counter(logins[name] for name in session.scalars(noted)),
        "gaps": {call_id: count for call_id, count in gaps if call_id not in week.late},
    }


def differences(told: Sums, desk: Sums) -> list[str]:
    """What the desk counts otherwise; [] when all of it adds up to the call."""
    found = []
    for name, want in told.items():
        got = desk[name]
        if want == got:
            continue
        if isinstance(want, dict) and isinstance(got, dict):
            keys = sorted({*want, *got}, key=str)
            found += [
                f"{name} {key}: told {want.get(key)}, desk {got.get(key)}"
                for key in keys
                if want.get(key) != got.get(key)
            ]
        else:
            found.append(f"{name}: told {want}, desk {got}")
    return found

"""A list to call through is made: its numbers read, doubles dropped, what is a client's marked, spread over agents.

A long list is filled by the worker in batches (`jobs/work.py`), so that calls go on ringing meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.clients.contacts import TELEPHONES, office_country
from webapp.clients.models import Client, ContactPoint
from webapp.jobs import work
from webapp.jobs.models import Job
from webapp.worklists import lines
from webapp.worklists.models import Worklist, WorklistItem

BATCH = 250
LONGEST_NAME = 120
CALLERS = (Role.AGENT, Role.MANAGER, Role.HEAD)
"""Those who may call through a list."""


class BadList(ValueError):
    """A list that can't be made; `field` is where to mend it, the message says how, in the reader's language."""

    def __init__(self, field: str, words: object) -> None:
        super().__init__(str(words))
        self.field = field


@dataclass
class Told:
    """What became of the lines: taken, and left out with the reason. `known`: taken, and the number of a client."""

    taken: int = 0
    known: int = 0
    unread: int = 0
    double: int = 0
    elsewhere: int = 0
    never: int = 0
    empty: int = 0

    def words(self) -> list[str]:
        """That in words, in the reader's language."""
        counted = [
            (self.taken, ngettext("%(num)d number taken", "%(num)d numbers taken", self.taken)),
            (self.known, ngettext("%(num)d is a client's", "%(num)d are clients'", self.known)),
            (self.unread, ngettext("%(num)d can't be read as a phone", "%(num)d can't be read as phones", self.unread)),
            (self.double, ngettext("%(num)d stood there twice", "%(num)d stood there twice", self.double)),
            (self.elsewhere, ngettext("%(num)d is on another list", "%(num)d are on other lists", self.elsewhere)),
            (self.never, ngettext("%(num)d must never be called", "%(num)d must never be called", self.never)),
            (self.empty, ngettext("%(num)d line without a number", "%(num)d lines without a number", self.empty)),
        ]
        return [text for count, text in counted if count] or [_("nothing taken")]


def make(
    session: Session,
    name: str,
    rows: Sequence[Sequence[str]],
    agents: Sequence[User],
    user: User,
    now: datetime,
    country: str,
    channel_id: int | None = None,
    manager_id: int | None = None,
) -> tuple[Worklist, Told, Job | None]:
    """A new list; what became of its first lines, and the job that reads the rest when it is long.

    Raises BadList. Flushes.
    """
    name = " ".join(name.split())
    if not name:
        raise BadList("name", _l("Give the list a name."))
    if len(name) > LONGEST_NAME:
        raise BadList("name", _l("At most %(most)d characters.", most=LONGEST_NAME))
    if not agents:
        raise BadList("agents", _l("Choose who calls."))
    if len(rows) > lines.MOST:
        raise BadList("lines", _l("At most %(most)d lines at once; make two lists of it.", most=lines.MOST))
    column, named = lines.layout(rows)
    rows = rows[named:]
    if not any(sign.isdigit() for row in rows for cell in row for sign in cell):
        raise BadList("lines", _l("There is no number in it. Paste a line a number: phone, company, person, note."))
    worklist = Worklist(name=name, channel_id=channel_id, manager_id=manager_id, made_at=now, made_by_id=user.id)
    session.add(worklist)
    session.flush()
    ids = [agent.id for agent in agents]
    told = fill(session, worklist.id, lines.read(rows[:BATCH], column, country), ids, 0)
    announce(session, ids, worklist.id, now)
    if len(rows) <= BATCH:
        return worklist, told, None
    facts = {"worklist": worklist.id, "agents": ids, "column": column, "told": asdict(told)}
    facts["rows"] = [[cell[:400] for cell in row[:12]] for row in rows[BATCH:]]
    return worklist, told, work.ask(session, "worklist", facts, user, now, total=len(rows) - BATCH)


def step(session: Session, job: Job, now: datetime) -> bool:
    """Read the next lines of a long list. What is read is kept here no longer; at the end only the counts are."""
    facts = dict(job.facts)
    told, batch, rest = facts["told"], facts["rows"][:BATCH], facts["rows"][BATCH:]
    found = lines.read(batch, facts["column"], office_country())
    more = asdict(fill(session, facts["worklist"], found, facts["agents"], told["taken"]))
    job.done += len(batch)
    job.facts = facts | {"rows": rest, "told": {name: told[name] + count for name, count in more.items()}}
    session.flush()
    if not rest:
        announce(session, facts["agents"], facts["worklist"], now)
    return bool(rest)


def fill(
    session: Session, worklist_id: int, found: Sequence[lines.Line], agent_ids: Sequence[int], placed: int
) -> Told:
    """Put numbers on a list, the next agent in turn for each; `placed` stand there already. Five queries. Flushes."""
    told = Told()
    numbers = {line.number for line in found if line.number}
    here = _numbers(session, numbers, WorklistItem.worklist_id == worklist_id)
    never = _numbers(session, numbers, WorklistItem.state == "never")
    elsewhere = _numbers(
        session,
        numbers,
        WorklistItem.worklist_id != worklist_id,
        WorklistItem.state == "open",
        WorklistItem.worklist.has(Worklist.closed_at.is_(None)),
    )
    clients = _clients(session, numbers)
    rows = []
    for line in found:
        if not line.number:
            told.empty += 1
        elif line.number in here:
            told.double += 1
        elif line.number in never:
            told.never += 1
        elif line.number in elsewhere:
            told.elsewhere += 1
        else:
            here.add(line.number)
            rows.append(
                {
                    "worklist_id": worklist_id,
                    "agent_id": agent_ids[(placed + told.taken) % len(agent_ids)],
                    "client_id": clients.get(line.number),
                    "state": "open",
                    "approaches": 0,
                    "more_why": "",
                    **line._asdict(),
                }
            )
            told.taken += 1
            told.known += line.number in clients
            told.unread += not line.number.startswith("+")
    if rows:
        session.execute(insert(WorklistItem), rows)
    return told


def _numbers(session: Session, numbers: set[str], *conditions: object) -> set[str]:
    query = select(WorklistItem.number).where(WorklistItem.number.in_(numbers), *conditions)  # type: ignore[arg-type]
    return set(session.scalars(query)) if numbers else set()


def _clients(session: Session, numbers: set[str]) -> dict[str, int]:
    """Number -> the card it stands on, the oldest one of several."""
    whole = [number for number in numbers if number.startswith("+")]
    query = (
        select(ContactPoint.normal, ContactPoint.client_id)
        .join(Client, Client.id == ContactPoint.client_id)
        .where(ContactPoint.normal.in_(whole), ContactPoint.kind.in_(TELEPHONES), Client.merged_into_id.is_(None))
        .order_by(ContactPoint.client_id.desc())
    )
    return {normal: client_id for normal, client_id in session.execute(query)} if whole else {}


def close(session: Session, worklist: Worklist, now: datetime) -> None:
    """Nobody calls through this list any more; closing twice keeps the first time."""
    session.execute(
        update(Worklist).where(Worklist.id == worklist.id, Worklist.closed_at.is_(None)).values(closed_at=now)
    )
    session.refresh(worklist)
    announce(session, _agents_of(session, worklist), worklist.id, now)


def reopen(session: Session, worklist: Worklist, now: datetime) -> None:
    """It is called through again."""
    worklist.closed_at = None
    session.flush()
    announce(session, _agents_of(session, worklist), worklist.id, now)


def reassign(session: Session, worklist: Worklist, source_id: int | None, agents: Sequence[User], now: datetime) -> int:
    """Spread what is left of a list (of one agent, or of all: None) evenly over `agents`; how many moved hands.

    Raises BadList when nobody is chosen.
    """
    if not agents:
        raise BadList("agents", _l("Choose who calls."))
    before = _agents_of(session, worklist)
    query = select(WorklistItem.id).where(WorklistItem.worklist_id == worklist.id, WorklistItem.state == "open")
    if source_id is not None:
        query = query.where(WorklistItem.agent_id == source_id)
    ids = session.scalars(query.order_by(WorklistItem.id)).all()
    for turn, agent in enumerate(agents):
        mine = ids[turn :: len(agents)]
        for start in range(0, len(mine), 500):
            session.execute(
                update(WorklistItem)
                .where(WorklistItem.id.in_(mine[start : start + 500]), WorklistItem.state == "open")
                .values(agent_id=agent.id)
                .execution_options(synchronize_session=False)
            )
    session.expire_all()
    announce(session, {*before, *(agent.id for agent in agents)}, worklist.id, now)
    return len(ids)


def _agents_of(session: Session, worklist: Worklist) -> list[int]:
    query = select(WorklistItem.agent_id).where(WorklistItem.worklist_id == worklist.id).distinct()
    return [agent_id for agent_id in session.scalars(query) if agent_id is not None]


def announce(session: Session, user_ids: Sequence[int] | set[int], worklist_id: int, now: datetime) -> None:
    """Tell agents that something about their lists is other than before."""
    feed.announce(session, sorted(user_ids), "worklist", worklist_id, now)

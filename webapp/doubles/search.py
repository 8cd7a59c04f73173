"""The search for probable doubles: every card is looked for among all others by the six keys (D29), batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, bindparam, delete, exists, func, or_, select, text
from sqlalchemy.orm import Session, selectinload

from webapp.accounts.models import User
from webapp.clients import match
from webapp.clients.contacts import TELEPHONES
from webapp.clients.merged import living
from webapp.clients.models import CardChange, Client, PairVerdict
from webapp.db import UtcDateTime
from webapp.doubles.models import DoublePair
from webapp.jobs import work
from webapp.jobs.models import OPEN, Job

KIND = "doubles"
BATCH = 25
"""Cards a step: whoever waits to write waits no longer than these take, a tenth of a second or so."""
WINDOW = 2000
"""Cards a step at most passes over that did not change since the last search."""
DOUBTFUL = ("same", "likely")

_PUT = text(
    "insert into double_pair (low_id, high_id, score, reasons, found_at) values (:low, :high, :score, :reasons, :at) "
    "on conflict (low_id, high_id) do update set score = :score, reasons = :reasons, found_at = :at"
).bindparams(bindparam("reasons", type_=JSON()), bindparam("at", type_=UtcDateTime()))


def ask(session: Session, user: User, anew: bool, country: str, now: datetime) -> Job:
    """Ask for a search: of the cards made or changed since the last whole one, or `anew` of all. One at a time."""
    if (going := last(session)) and going.open:
        return going
    facts = {"after": 0, "since": None if anew else _since(session), "country": country, "begun": now.isoformat()}
    highest = session.scalar(select(func.max(Client.id))) or 0
    return work.ask(session, KIND, facts, user, now, highest)


def last(session: Session) -> Job | None:
    """The search that goes on, else the last one."""
    query = select(Job).where(Job.kind == KIND).order_by(Job.state.in_(OPEN).desc(), Job.id.desc())
    return session.scalars(query.limit(1)).first()


def _since(session: Session) -> str | None:
    begun = select(func.max(Job.made_at)).where(Job.kind == KIND, Job.state == "done")
    last_begun = session.scalar(begun)
    return last_begun.isoformat() if last_begun else None


def step(session: Session, job: Job, now: datetime) -> bool:
    """One batch of the search; counts in `job.done` the ids it is past."""
    after, since = job.facts["after"], job.facts["since"]
    highest = session.scalar(select(func.max(Client.id))) or 0
    wanted = select(Client.id).where(Client.id > after, Client.id <= after + WINDOW, living())
    if since:
        moment = datetime.fromisoformat(since)
        changed = exists().where(CardChange.client_id == Client.id, CardChange.at >= moment)
        wanted = wanted.where(or_(Client.created_at >= moment, changed))
    ids = session.scalars(wanted.order_by(Client.id).limit(BATCH)).all()
    look(session, ids, job.facts["country"], now, datetime.fromisoformat(job.facts["begun"]))
    after = ids[-1] if len(ids) == BATCH else min(after + WINDOW, highest)
    job.total, job.done, job.facts = highest, after, {**job.facts, "after": after}
    return bool(after < highest)


def look(session: Session, ids: Sequence[int], country: str, now: datetime, begun: datetime | None = None) -> None:
    """Find the doubles of these cards; pairs that were not found since `begun` (default: now) are pairs no more."""
    cards = select(Client).where(Client.id.in_(ids), living()).order_by(Client.id)
    parts = (Client.people, Client.contact_points)
    apart = _told_apart(session, ids)
    found: dict[tuple[int, int], match.Hit] = {}
    for client in session.scalars(cards.options(*(selectinload(part) for part in parts))):
        for hit in hits(session, client, country, {client.id, *apart.get(client.id, ())}):
            if hit.certainty not in DOUBTFUL:
                continue
            pair = (min(client.id, hit.client_id), max(client.id, hit.client_id))
            if pair not in found or hit.score > found[pair].score:
                found[pair] = hit
    if found:
        session.execute(_PUT, [_row(pair, hit, now) for pair, hit in found.items()])
    either = or_(DoublePair.low_id.in_(ids), DoublePair.high_id.in_(ids))
    stale = DoublePair.found_at < (begun or now)
    session.execute(delete(DoublePair).where(either, stale), execution_options={"synchronize_session": False})


def _row(pair: tuple[int, int], hit: match.Hit, now: datetime) -> dict[str, Any]:
    return {"low": pair[0], "high": pair[1], "score": hit.score, "reasons": list(hit.reasons), "at": now}


def _told_apart(session: Session, ids: Collection[int]) -> dict[int, set[int]]:
    pairs = select(PairVerdict.low_id, PairVerdict.high_id).where(
        PairVerdict.verdict == "other", or_(PairVerdict.low_id.in_(ids), PairVerdict.high_id.in_(ids))
    )
    found: dict[int, set[int]] = {}
    for low, high in session.execute(pairs):
        found.setdefault(low, set()).add(high)
        found.setdefault(high, set()).add(low)
    return found


def hits(session: Session, client: Client, country: str, exclude: Collection[int]) -> list[match.Hit]:
    """The cards that may be this one, by any of its people, the surest first."""
    best: dict[int, match.Hit] = {}
    for draft in drafts(client):
        for hit in match.find(session, draft, country, exclude):
            if hit.client_id not in best or hit.score > best[hit.client_id].score:
                best[hit.client_id] = hit
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.client_id))


def drafts(client: Client) -> list[dict[str, str]]:
    """A card as it would be typed: once with everything and its first person, once for each of the others."""
    points = client.contact_points
    whole = {
        "name": client.name,
        "phone": "\n".join(point.normal or point.value for point in points if point.kind in TELEPHONES),
        "email": " ".join(point.value for point in points if point.kind == "email"),
        "website": client.website or next((point.value for point in points if point.kind == "site"), ""),
    }
    people = [{"surname": one.surname, "given_name": one.given_name} for one in client.people if one.surname]
    return [{**whole, **(people[0] if people else {})}, *({**whole, **one} for one in people[1:])]

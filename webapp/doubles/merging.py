"""Two cards become one: field by field as chosen, with everything that hangs on either."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.calls.models import LIVE, Call, CallAudience
from webapp.clients import cards, changes, contacts, match
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.doubles import choices, gathering, search
from webapp.doubles.choices import LEFT, RIGHT, BadMerge
from webapp.doubles.journal import Journal
from webapp.doubles.models import Merge
from webapp.pages import moment
from webapp.recordings import keeping

LONGEST_WHY = 400
MERGE, SPLIT = "merge", "split"
MERGERS = (Role.HEAD, Role.MANAGER, Role.AGENT)
"""Who merges cards; the others propose it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How two cards shall become one: `picks` field -> side, `apart` the right card's people who are people of their
    own after all, `seen` the `digest` of both cards as they were shown.
    """

    survivor: str
    picks: Mapping[str, str] = field(default_factory=dict)
    apart: Collection[int] = ()
    seen: str = ""


def may_merge(user: User, *clients: Client) -> bool:
    """One's own clients and nobody's; the head any."""
    if user.has_role(Role.HEAD):
        return True
    return user.has_role(*MERGERS) and all(client.owner_id in (None, user.id) for client in clients)


def lock(session: Session, *ids: int) -> list[Client]:
    """The cards with these ids, in this order, fresh and held until the commit."""
    query = select(Client).where(Client.id.in_(ids)).order_by(Client.id).with_for_update()
    session.flush()
    rows = {client.id: client for client in session.scalars(query.execution_options(populate_existing=True))}
    for client in rows.values():
        session.expire(client)
    return [rows[one] for one in ids]


def digest(left: Client, right: Client) -> str:
    """A mark of both cards as they are: another one when either has changed."""
    seen = [
        [_state(card), [_row(one) for one in card.people], [_row(one) for one in card.contact_points]]
        for card in (left, right)
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32]


def _state(client: Client) -> list[object]:
    extras = sorted((value.field_id, value.text) for value in client.extra_values)
    return [*(choices.raw(client, name) for name in choices.ORDER), client.never_record, *extras]


def _row(row: object) -> list[object]:
    return [getattr(row, column.name) for column in type(row).__table__.columns]  # type: ignore[attr-defined]


def fuller(left: Client, right: Client) -> str:
    """Which of two cards should remain: the one of which more is known, else the older."""

    def known(client: Client) -> int:
        filled = sum(bool(choices.raw(client, name)) for name in choices.ORDER)
        return filled + len(client.people) + len(client.contact_points) + len(client.extra_values)

    mine, theirs = known(left), known(right)
    if mine != theirs:
        return LEFT if mine > theirs else RIGHT
    return LEFT if (left.created_at, left.id) <= (right.created_at, right.id) else RIGHT


# Merging


def merge(session: Session, left_id: int, right_id: int, wish: Wish, author: Author) -> Merge:
    """Make two cards one. Flushes. Raises BadMerge when the rules, or a colleague who was quicker, forbid it."""
    left, right = lock(session, left_id, right_id)
    _may(session, left, right, author)
    if wish.seen and wish.seen != digest(left, right):
        raise BadMerge({"": str(_l("One of the cards was changed meanwhile. Look again, then merge."))})
    survivor, other = (left, right) if wish.survivor == LEFT else (right, left)
    chosen = choices.differing(session, left, right, wish.survivor, wish.picks)
    changed = choices.apply(session, chosen, survivor, left, right, author)
    alike = gathering.same_people(survivor, other)
    same = {one: person for one, person in alike.items() if not {one, person.id} & set(wish.apart)}
    book = Journal(session)
    session.flush()
    gathering.everything(session, book, survivor, other, same, author)
    other.merged_into_id = survivor.id
    row = write(session, MERGE, survivor, other, author, changed, book)
    changes.note(session, survivor, "merged", "", cards.title(other) or str(other.id), author)
    settle(session, survivor, other, author)
    return row


def _may(session: Session, left: Client, right: Client, author: Author) -> None:
    if left.id == right.id:
        raise BadMerge({"": str(_l("This is one and the same card."))})
    for client in (left, right):
        if client.merged_into_id is not None:
            raise BadMerge({"": _already(session, client)})
    if author.user and not may_merge(author.user, left, right):
        raise BadMerge({"": str(_l("The head of sales merges clients of a colleague. Propose it instead."))})
    if not author.why.strip():
        raise BadMerge({"why": str(_l("Write why they are the same."))})
    if len(author.why) > LONGEST_WHY:
        raise BadMerge({"why": str(_l("At most %(most)d characters.", most=LONGEST_WHY))})


def _already(session: Session, client: Client) -> str:
    last = select(Merge).where(Merge.other_id == client.id, Merge.undone_at.is_(None)).order_by(Merge.id.desc())
    done = session.scalars(last.limit(1)).first()
    who = done.by.name if done and done.by else ""
    when = moment(done.at) if done else ""
    return _(
        "“%(card)s” was merged into another card meanwhile: %(who)s, %(when)s.",
        card=cards.title(client) or client.id,
        who=who or "—",
        when=when,
    )


def write(
    session: Session,
    kind: str,
    survivor: Client,
    other: Client,
    author: Author,
    changed: dict[str, list[object]],
    book: Journal,
) -> Merge:
    """The record of who did what to which cards, when and why: what an undo goes back by. Flushes."""
    row = Merge(
        kind=kind,
        survivor_id=survivor.id,
        other_id=other.id,
        at=author.at,
        by_id=author.user.id if author.user else None,
        why=author.why.strip()[:LONGEST_WHY],
        fields=changed,
        moved=book.entries,
    )
    session.add(row)
    session.flush()
    return row


def settle(session: Session, survivor: Client, other: Client, author: Author) -> None:
    """Keys, the pages that show either card, and the talks that go on."""
    session.flush()
    session.expire_all()
    for client in (survivor, other):
        if client.merged_into_id is None:
            match.index(session, client)
        else:
            match.forget(session, client.id)
        cards.announce_card(session, client, author.at)
    ids = (survivor.id, other.id)
    search.look(session, ids, contacts.office_country(), author.at)
    for call in session.scalars(select(Call).where(Call.client_id.in_(ids), Call.state.in_(LIVE))):
        if author.user:
            keeping.respect(session, call, author.user, author.at)
        seen = CallAudience.call_id == call.id, CallAudience.state != "planned"
        feed.announce(session, session.scalars(select(CallAudience.user_id).where(*seen)), "call", call.id, author.at)
    session.flush()

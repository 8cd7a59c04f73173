"""Reads of cards: the search box, the card with all that hangs on it, its history."""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.accounts.models import Role, User
from webapp.clients import keys
from webapp.clients.models import Client, MatchKey
from webapp.deals.models import Deal
from webapp.rules import reading

MOST_WORDS = 6


def card(client_id: int) -> Select[tuple[Client]]:
    """The query of one card with its people, contact points and lists."""
    return (
        select(Client)
        .where(Client.id == client_id)
        .options(
            selectinload(Client.people),
            selectinload(Client.contact_points),
            selectinload(Client.extra_values),
            joinedload(Client.owner),
            joinedload(Client.status),
            joinedload(Client.type),
            joinedload(Client.region),
            joinedload(Client.channel),
        )
    )


def found_by(session: Session, text: str, country: str) -> list[ColumnElement[bool]]:
    """Conditions on Client: every word of `text` begins a word of a name, or is part of a number or an e-mail.

    Words are compared by sound, so any alphabet finds any other. [] when nothing was typed.
    """
    parts = _conditions(session, text, country) or []
    return [Client.id.in_(select(MatchKey.client_id).where(part)) for part in parts]


def _conditions(session: Session, text: str, country: str) -> list[ColumnElement[bool]] | None:
    """A condition on MatchKey for each thing typed; None when nothing was."""
    text = text[:200].strip()
    if not text:
        return None
    if not any(sign.isalpha() for sign in text):
        number = _number(session, text, country)
        words = [_starts(session, "word", word) for word in keys.search_words(text)]
        known = [and_(MatchKey.kind == "extra", MatchKey.key == key) for key in reading.asked_keys(text)]
        if number is not None or known:
            # The parts of a number or of a date are no words.
            return [or_(*([] if number is None else [number]), *known, *(words if len(words) == 1 else []))]
        return words or [MatchKey.id.is_(None)]
    parts: list[ColumnElement[bool]] = []
    words_left = []
    for token in text.split():
        if "@" in token:
            start = token.casefold().strip("<>,;")
            parts.append(_starts(session, "domain" if start.startswith("@") else "email", start.removeprefix("@")))
        elif not any(sign.isalpha() for sign in token) and (number := _number(session, token, country)) is not None:
            parts.append(or_(number, *[_starts(session, "word", word) for word in keys.search_words(token)]))
        else:
            words_left.append(token)
    for sound in keys.search_words(" ".join(words_left))[:MOST_WORDS]:
        parts.append(or_(_starts(session, "word", sound), _starts(session, "email", sound)))
    return parts[:MOST_WORDS] or [MatchKey.id.is_(None)]


def _number(session: Session, text: str, country: str) -> ColumnElement[bool] | None:
    """Numbers that begin or end with these digits; three at least. None for fewer."""
    digits = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    if len(digits) < 3:
        return None
    home = str(phonenumbers.country_code_for_region(country))
    starts = {digits, home + digits.removeprefix("8").removeprefix("0")}
    starts.add(keys.normal_phone(text, country).removeprefix("+") or digits)
    ends = {digits[::-1], digits[1:][::-1]} if len(digits) > 9 else {digits[::-1]}
    return or_(
        *[_starts(session, "number", start) for start in sorted(starts)],
        *[_starts(session, "ending", end) for end in sorted(ends)],
    )


def _starts(session: Session, kind: str, start: str) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "sqlite":  # its LIKE can't use the index
        return and_(MatchKey.kind == kind, MatchKey.key >= start, MatchKey.key < start + "\U0010ffff")
    return and_(MatchKey.kind == kind, MatchKey.key.startswith(start, autoescape=True))


def deals_of(session: Session, client_id: int) -> Sequence[Deal]:
    """The client's deals, newest first."""
    query = (
        select(Deal)
        .where(Deal.client_id == client_id)
        .options(
            joinedload(Deal.owner),
            joinedload(Deal.payment_scheme),
            joinedload(Deal.approved_by),
            joinedload(Deal.client).joinedload(Client.type),
        )
    )
    return session.scalars(query.order_by(Deal.opened_at.desc(), Deal.id.desc()).limit(20)).all()


def owners(session: Session) -> Sequence[User]:
    """Those a client may belong to, by name."""
    query = select(User).where(User.active, User.role.in_((Role.MANAGER, Role.HEAD, Role.AGENT)))
    return session.scalars(query.order_by(User.name)).all()

"""A paper row becomes a card, or joins one, with a finished row of the ledger and the task for the next touch (D40).

All of a row or nothing: what can't be saved comes back with its words and what to do about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import cards, contacts, fields, joining, offers
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person
from webapp.office.models import Channel, ListItem, Outcome, Purpose
from webapp.quick.models import QuickRow
from webapp.touches import approaches, closing, officetime, typedtime
from webapp.touches.forms import MAX_NOTE
from webapp.touches.models import Touch
from webapp.typed import row_of

DOORS = {
    "paper": _l("on paper"),
    "visit": _l("visit"),
    "show": _l("exhibition"),
    "letter": _l("paper letter"),
    "phone": _l("phone call"),
    "web": _l("website"),
    "mail": _l("e-mail"),
}
"""How a contact that is entered from paper came in (D8)."""
CARD = ("name", "surname", "given_name", "phone", "email")
SOURCE = "quick"

Item = TypeVar("Item", bound=ListItem)


class BadRow(ValueError):
    """A row that can't be saved as it is typed: `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, Any]) -> None:
        super().__init__(", ".join(errors))
        self.errors = {name: str(words) for name, words in errors.items()}


@dataclass
class _Read:
    """A row understood."""

    started_at: datetime
    purpose: Purpose | None
    outcome: Outcome | None
    channel: Channel | None
    next_at: datetime | None


def draft_of(typed: Mapping[str, str]) -> dict[str, str]:
    """What of a row the six keys look at."""
    return {name: typed.get(name, "") for name in CARD}


def save(session: Session, row: QuickRow, user: User, now: datetime, zone: ZoneInfo, country: str) -> Client | None:
    """Save one row; the card it is on, None when it was saved before. Raises BadRow, and then nothing is changed."""
    with session.begin_nested():
        claimed = session.execute(
            update(QuickRow)
            .where(QuickRow.id == row.id, QuickRow.saved_at.is_(None))
            .values(saved_at=now)
            .execution_options(synchronize_session=False)
        )
        if not claimed.rowcount:  # type: ignore[attr-defined]
            session.refresh(row)
            return None
        typed = dict(row.typed)
        author = Author(user, now, SOURCE)
        read = _read(session, typed, now, zone)
        client, person, made = _card(session, typed, author, country)
        _touch(session, typed, read, client, person, user, now)
        row.typed, row.client_id, row.made, row.saved_at = {}, client.id, made, now
        session.flush()
    return client


def _read(session: Session, typed: Mapping[str, str], now: datetime, zone: ZoneInfo) -> _Read:
    errors: dict[str, str] = {}

    def item(name: str, model: type[Item]) -> Item | None:
        try:
            return _item(session, model, typed.get(name, ""))
        except BadValue as why:
            errors[name] = str(why)
        return None

    read = _Read(now, item("purpose", Purpose), item("outcome", Outcome), item("channel", Channel), None)
    try:
        day = typedtime.day(typed.get("day", ""), now, zone)
        if day != now.astimezone(zone).date():
            noon = officetime.instant(datetime.combine(day, typedtime.NOON), zone)
            read.started_at = noon or datetime.combine(day, typedtime.NOON, tzinfo=UTC)
    except typedtime.BadTime as why:
        errors["day"] = str(why)
    try:
        read.next_at = typedtime.moment(typed.get("next", ""), now, zone)
    except typedtime.BadTime as why:
        errors["next"] = str(why)
    if typed.get("door", "") not in ("", *DOORS):
        errors["door"] = str(_l("Choose one of the list."))
    if len(typed.get("note", "")) > MAX_NOTE:
        errors["note"] = str(_l("The note is too long."))
    errors |= _card_errors(typed)
    # What the ledger wants is said together with the rest, so that a row is mended in one go.
    probe = Touch(outcome=read.outcome, next_at=read.next_at)
    probe.purpose_id = read.purpose.id if read.purpose else None
    probe.outcome_id = read.outcome.id if read.outcome else None
    names = {"purpose_id": "purpose", "outcome_id": "outcome", "next_at": "next"}
    for name, words in closing.missing(probe, now).items():
        errors.setdefault(names[name], str(words))
    if errors:
        raise BadRow(errors)
    return read


def _item(session: Session, model: type[Item], value: str) -> Item | None:
    if not value:
        return None
    item = row_of(session, model, value)
    if item is None or not item.active:
        raise BadValue(_l("Choose one of the list."))
    return item


def _card_errors(typed: Mapping[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name in CARD:
        text = typed.get(name, "")
        try:
            if name not in ("phone", "email"):
                fields.cleaned(fields.BY_NAME[name], text)
            elif text.strip():
                contacts.cleaned(name, text)
        except BadValue as why:
            errors[name] = str(why)
    if not any(typed.get(name, "").strip() for name in CARD):
        errors["name"] = _("Type at least a name, a phone or an e-mail.")
    return errors


def _card(
    session: Session, typed: Mapping[str, str], author: Author, country: str
) -> tuple[Client, Person | None, bool]:
    """The card of a row with the person meant, and whether it is new."""
    said = offers.read(typed.get("said", ""))
    client = offers.chosen(session, said)
    values = {name: text for name in (*CARD, "channel") if (text := typed.get(name, "").strip())}
    if client is not None:
        return client, joining.join(session, client, values, author, country), False
    found = offers.find(session, draft_of(typed), said, country)
    if doubtful := [offer for offer in found if offer.asked]:
        first = doubtful[0]
        words = _("Is this %(name)s (%(why)s)? Say it below.", name=cards.title(first.client) or "…", why=first.why)
        raise BadRow({first.field if first.field in CARD else "name": words})
    try:
        client = cards.create(session, values, author, country)
    except cards.BadCard as bad:
        raise BadRow(bad.errors) from bad
    offers.remember(session, client, found, author)
    return client, client.people[0] if client.people else None, True


def _touch(
    session: Session,
    typed: Mapping[str, str],
    read: _Read,
    client: Client,
    person: Person | None,
    user: User,
    now: datetime,
) -> None:
    touch = Touch(
        direction="in",
        door=typed.get("door") or "paper",
        started_at=read.started_at,
        user_id=user.id,
        client_id=client.id,
        person_id=person.id if person else None,
        purpose_id=read.purpose.id if read.purpose else None,
        outcome_id=read.outcome.id if read.outcome else None,
        channel_id=read.channel.id if read.channel else client.channel_id,
        next_at=read.next_at,
        note=typed.get("note", "").strip(),
        name_known=bool(cards.title(client)),
        next_step_agreed=read.next_at is not None,
    )
    session.add(touch)
    session.flush()
    if touch.next_at:
        touch.next_kind = closing.usual_step(touch)
    touch.approach_reason = touch.note[: approaches.MAX_REASON]  # on paper the note says why there is one more
    if missing := closing.close(session, touch, user, now):
        field = "note" if "approach_reason" in missing else "outcome"
        raise BadRow({field: next(iter(missing.values()))})

"""What a user's own softphone has dialled: a colleague is rung as he is, a number by the rules of calls of ours.

Who may not be called is refused at the softphone, and its user's page says why for a while.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sipbridge.events import Dial, HangUp, PhoneDialled
from webapp import feed
from webapp.accounts.models import User
from webapp.calls import control, outbound, transfers
from webapp.calls.lifecycle import apply, user_at
from webapp.calls.models import BridgeCommand, RefusedDial
from webapp.clients import keys, match
from webapp.clients.models import Client
from webapp.office.queries import the_office
from webapp.pages import phone

ANSWER_WITHIN = timedelta(seconds=5)
"""A softphone that waits for longer was refused by the bridge meanwhile."""
SHOWN_FOR = timedelta(seconds=60)
"""How long the page says why nobody was called: its user comes from the telephone, not from a click."""


@apply.register
def _phone_dialled(event: PhoneDialled, session: Session, now: datetime) -> None:
    if now - event.at > ANSWER_WITHIN:
        return
    user = user_at(session, event.extension)
    if user is None:
        control.ask(session, HangUp(event.call_id), None, now)
        return
    session.execute(delete(RefusedDial).where(RefusedDial.user_id == user.id))  # he goes on: it is news no more
    if colleague := transfers.colleague_called(session, user, event.number):
        _ring_colleague(session, event.call_id, user, colleague, now)
    else:
        _dial_out(session, event, user, now)


def _ring_colleague(session: Session, call_id: str, user: User, to: User, now: datetime) -> None:
    """One of ours calls one of ours: nobody else's business, so nothing of it is written down."""
    dial = Dial(
        call_id=call_id,
        extension=user.extension,
        target=to.extension,
        line="",
        shown_number=transfers.number_of(user),
        record=False,
        notice="",
        hold_music="hold.wav",
        ring_seconds=outbound.RING_SECONDS,
        waits=True,
        internal=True,
    )
    control.ask(session, dial, user, now)


def _dial_out(session: Session, event: PhoneDialled, user: User, now: datetime) -> None:
    country = current_app.config["SETTINGS"].country
    number = keys.normal_phone(event.number, country)
    certain = match.certain(match.by_number(session, number, country)) if number else None
    wanted = outbound.Wanted(event.number, session.get(Client, certain) if certain else None)
    try:
        with session.begin_nested(), force_locale(user.language or the_office(session).language):
            outbound.dial(session, user, wanted, now, country, dialled=event.call_id)
    except outbound.Refused as refused:
        control.ask(session, HangUp(event.call_id), user, now)
        _say(session, user, event.number, str(refused), now)


def not_put_through(session: Session, row: BridgeCommand, now: datetime) -> None:
    """The bridge could not do what `row`, a Dial that belongs to no call of the desk, asked for."""
    user = session.get(User, row.made_by_id) if row.made_by_id else None
    if user is not None:
        to = user_at(session, str(row.data.get("target", "")))
        with force_locale(user.language or the_office(session).language):
            _say(session, user, to.name if to else "", _("The telephone could not be reached."), now)


def _say(session: Session, user: User, number: str, why: str, now: datetime) -> None:
    row = session.get(RefusedDial, user.id)
    if row is None:
        row = RefusedDial(user_id=user.id)
        session.add(row)
    row.number, row.why, row.at = number[:80], why[:300], now
    session.flush()
    feed.announce(session, [user.id], "call", "", now)


def refused_lately(session: Session, user: User, now: datetime) -> str:
    """Whom the user's softphone could not call just now, and why; '' when there is nothing to say."""
    row = session.scalars(
        select(RefusedDial).where(RefusedDial.user_id == user.id, RefusedDial.at > now - SHOWN_FOR)
    ).one_or_none()
    if row is None:
        return ""
    number = keys.normal_phone(row.number, current_app.config["SETTINGS"].country)
    to = phone(number) if number.startswith("+") else row.number
    return _("Your softphone dialled %(number)s: %(why)s", number=to, why=row.why)

"""From the queue to the server: each mail is claimed by one worker, and its state says what is sure.

queued -> claimed -> handing -> sent. Whoever dies before `handing` leaves a mail that is queued again; whoever dies in
it leaves one that is unsure, and a person decides. Every step is a conditional UPDATE: a worker that was held up while
its mail was taken from it finds out before it hands it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.mail import message
from webapp.mail.addresses import wire
from webapp.mail.models import OutgoingMail
from webapp.mail.smtp import Failed
from webapp.office.models import Office

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""Before the second try, the third ...; then every hour."""
GIVE_UP_AFTER = timedelta(days=2)
LOST_AFTER = timedelta(minutes=10)
"""A worker that claimed a mail so long ago and said nothing since is gone: it may take four minutes (`smtp.Limits`)."""
AT_ONCE = 200


@dataclass(frozen=True)
class Parcel:
    """A claimed mail, ready for the server; `claimed_at` proves whose it is."""

    mail_id: int
    user_id: int | None
    claimed_at: datetime
    to_address: str
    content: bytes


def waiting(session: Session, now: datetime) -> Sequence[int]:
    """The mails that are due, in their order, at most AT_ONCE."""
    query = select(OutgoingMail.id).where(
        OutgoingMail.ended_at.is_(None), OutgoingMail.state == "queued", OutgoingMail.due_at <= now
    )
    return session.scalars(query.order_by(OutgoingMail.due_at, OutgoingMail.id).limit(AT_ONCE)).all()


def claim(session: Session, mail_id: int, sender: str, now: datetime) -> Parcel | None:
    """Take a queued mail; None when another worker has it, it was withdrawn, or no mail can be made of it."""
    if not move(session, mail_id, ("queued",), state="claimed", claimed_at=now, tries=OutgoingMail.tries + 1):
        return None
    mail = session.get_one(OutgoingMail, mail_id, options=[joinedload(OutgoingMail.user)], populate_existing=True)
    by_hand = mail.key.startswith(message.BY_HAND) and mail.user
    name = mail.user.name if by_hand and mail.user else session.scalar(select(Office.company)) or ""
    try:
        content = message.build(mail, sender, name, now)
    except ValueError:
        failed(session, mail_id, now, Failed("refused", "message", "no_address"), now)
        return None
    return Parcel(mail_id, mail.user_id, now, wire(mail.to_address), content)


def hand(session: Session, parcel: Parcel) -> bool:
    """From the next byte on nobody knows. False: the mail was taken from this worker meanwhile, and must not go."""
    return move(session, parcel.mail_id, ("claimed",), parcel.claimed_at, state="handing")


def sent(session: Session, mail_id: int, claimed_at: datetime, now: datetime) -> None:
    """The server has it, though it may have been thought unsure meanwhile."""
    if move(
        session, mail_id, ("handing", "unsure"), claimed_at, state="sent", sent_at=now, ended_at=now, last_error=""
    ):
        tell(session, mail_id, now)


def failed(session: Session, mail_id: int, claimed_at: datetime, why: Failed, now: datetime) -> None:
    """It did not go: tried again later, refused, unsure, or given up after GIVE_UP_AFTER.

    Nothing happens to a mail that another worker has claimed meanwhile.
    """
    mail = session.get_one(OutgoingMail, mail_id, populate_existing=True)
    said = f"{why.stage}: {why.said}"[:300]
    if why.what in ("refused", "unsure"):
        moved = move(
            session, mail_id, ("claimed", "handing"), claimed_at, state=why.what, ended_at=now, last_error=said
        )
    elif now - mail.made_at >= GIVE_UP_AFTER:
        moved = move(
            session, mail_id, ("claimed", "handing"), claimed_at, state="given_up", ended_at=now, last_error=said
        )
    else:
        due = now + pause(mail.tries)
        moved = move(session, mail_id, ("claimed", "handing"), claimed_at, state="queued", due_at=due, last_error=said)
    if moved:
        tell(session, mail_id, now)


def put_off(session: Session, why: Failed, now: datetime) -> None:
    """No mail can go now: all that are due wait, and say why."""
    why = Failed("server", why.stage, why.said)
    for mail_id in waiting(session, now):
        if move(session, mail_id, ("queued",), state="claimed", claimed_at=now, tries=OutgoingMail.tries + 1):
            failed(session, mail_id, now, why, now)


def recover(session: Session, now: datetime) -> None:
    """Mails whose worker is gone: claimed ones are queued again, those that were being handed over are unsure."""
    lost = select(OutgoingMail.id, OutgoingMail.state, OutgoingMail.claimed_at).where(
        OutgoingMail.ended_at.is_(None),
        OutgoingMail.state.in_(("claimed", "handing")),
        OutgoingMail.claimed_at < now - LOST_AFTER,
    )
    for mail_id, state, claimed_at in session.execute(lost).all():
        if state == "claimed":
            moved = move(session, mail_id, (state,), claimed_at, state="queued", last_error="text: stopped")
        else:
            moved = move(
                session, mail_id, (state,), claimed_at, state="unsure", ended_at=now, last_error="answer: stopped"
            )
        if moved:
            tell(session, mail_id, now)


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries."""
    return PAUSES[min(max(tries, 1), len(PAUSES)) - 1]


def move(
    session: Session, mail_id: int, from_states: tuple[str, ...], of_claim: datetime | None = None, **values: object
) -> bool:
    """Change a mail when its state is one of these, and the claim `of_claim` when one is named. False: it is not."""
    query = update(OutgoingMail).where(OutgoingMail.id == mail_id, OutgoingMail.state.in_(from_states))
    if of_claim is not None:
        query = query.where(OutgoingMail.claimed_at == of_claim)
    found = session.execute(query.values(**values).execution_options(synchronize_session=False))
    return bool(found.rowcount)  # type: ignore[attr-defined]


def tell(session: Session, mail_id: int, now: datetime) -> None:
    """Let the pages of its user and of the heads know that something became of it."""
    user_id = session.scalar(select(OutgoingMail.user_id).where(OutgoingMail.id == mail_id))
    heads = session.scalars(select(User.id).where(User.role == Role.HEAD.value, User.active))
    feed.announce(session, [*([user_id] if user_id else []), *heads], "mail", mail_id, now)

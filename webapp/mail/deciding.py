"""What people decide about mails: try now, withdraw, it arrived, send again. Each by a conditional UPDATE."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.letters.models import Letter
from webapp.mail import queue, sending
from webapp.mail.models import OutgoingMail
from webapp.tasks.models import Message

MAY = {
    "try_now": ("queued", "given_up"),
    "withdraw": ("queued",),
    "arrived": ("unsure",),
    "again": ("unsure", "refused", "given_up"),
}
"""What may be decided about a mail, and in which states."""


def may(mail: OutgoingMail) -> list[str]:
    """What may be decided about it now. Of a mail whose words were erased nothing is left to send."""
    return [name for name, states in MAY.items() if mail.state in states and mail.erased_at is None]


def try_now(session: Session, mail: OutgoingMail, now: datetime) -> bool:
    """Ask the server at once. False: it is on its way already, or over."""
    return sending.move(session, mail.id, MAY["try_now"], state="queued", due_at=now, ended_at=None)


def withdraw(session: Session, mail: OutgoingMail, now: datetime) -> bool:
    """It shall not go. False: a worker was quicker."""
    return sending.move(session, mail.id, MAY["withdraw"], state="withdrawn", ended_at=now)


def arrived(session: Session, mail: OutgoingMail, now: datetime) -> bool:
    """Somebody knows that the unsure mail arrived."""
    return sending.move(session, mail.id, MAY["arrived"], state="sent", sent_at=now, ended_at=now)


def again(session: Session, mail: OutgoingMail, now: datetime) -> OutgoingMail | None:
    """The same words as a new mail, whose key has the next number; None when somebody has decided already.

    What hangs on the old mail, a letter or a message, hangs on the new one from now on. Flushes.
    """
    if not sending.move(session, mail.id, MAY["again"], state="replaced", ended_at=now):
        return None
    base, _, number = mail.key.partition("#")
    new = queue.put(
        session,
        f"{base}#{int(number or 1) + 1}",
        mail.to_address,
        mail.subject,
        mail.body,
        now,
        user_id=mail.user_id,
        reply_to=mail.reply_to,
    )
    for model in (Letter, Message):
        session.execute(update(model).where(model.mail_id == mail.id).values(mail_id=new.id))
    session.expire_all()
    return new

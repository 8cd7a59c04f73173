"""What becomes of a draft: edited, sent, left out; and taken up again when its mail was withdrawn in time."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.clients.changes import Changed
from webapp.letters.models import Letter
from webapp.mail import queue
from webapp.mail.models import OutgoingMail

LONGEST = {"to_address": 254, "subject": 300, "body": 20_000}
"""Fields of a draft that are edited, with the letters each may have."""


class TooLong(ValueError):
    """What was typed is longer than LONGEST and was not kept."""


def is_draft(letter: Letter) -> bool:
    """It is neither sent nor left out."""
    return letter.mail_id is None and letter.skipped_at is None


def save(session: Session, letter: Letter, name: str, was: str, mine: str, now: datetime) -> bool:
    """Keep what was typed in one field over `was`. False: the letter is no draft any more. Flushes.

    Raises Changed when somebody else has written there meanwhile, and TooLong.
    """
    mine = mine.replace("\r\n", "\n")
    mine = mine if name == "body" else " ".join(mine.split())
    session.refresh(letter, with_for_update=True)
    if not is_draft(letter):
        return False
    if len(mine) > LONGEST[name]:
        raise TooLong
    stands = getattr(letter, name)
    if stands not in (was.replace("\r\n", "\n"), mine):
        raise Changed(stands, mine)
    setattr(letter, name, mine)
    letter.saved_at = now
    session.flush()
    return True


def send(session: Session, letter: Letter, user: User, now: datetime) -> OutgoingMail | None:
    """Queue the letter as it stands; its words never change again. None when it was sent or left out already. Flushes.

    Answers go to whoever sends it.
    """
    session.refresh(letter, with_for_update=True)
    if not is_draft(letter):
        return None
    mail = queue.put(
        session,
        _key(session, letter),
        letter.to_address,
        letter.subject,
        letter.body,
        now,
        user_id=letter.user_id,
        reply_to=user.email,
    )
    if not _claim(session, letter, now, mail_id=mail.id, digest=digest(mail), saved_at=now):
        raise AssertionError("a letter that is locked was sent by somebody else")
    return mail


def skip(session: Session, letter: Letter, reason: str, now: datetime) -> bool:
    """Send none, and say why. False when it was sent or left out already."""
    return _claim(session, letter, now, skipped_at=now, skip_reason=" ".join(reason.split())[:200])


def take_up(session: Session, letter: Letter, now: datetime) -> bool:
    """Make a draft again of a letter that was left out, or whose mail was withdrawn before it went."""
    session.refresh(letter, with_for_update=True)
    withdrawn = letter.mail is not None and letter.mail.state == "withdrawn"
    if letter.skipped_at is None and not withdrawn:
        return False
    letter.mail_id, letter.digest, letter.skipped_at, letter.skip_reason = None, "", None, ""
    session.flush()
    _tell(session, letter, now)
    return True


def digest(mail: OutgoingMail) -> str:
    """SHA-256 of the words of a mail, in hex: to whom, subject, body."""
    return hashlib.sha256("\0".join((mail.to_address, mail.subject, mail.body)).encode()).hexdigest()


def is_genuine(letter: Letter) -> bool:
    """The words that went are those that were sent off (D80)."""
    return letter.mail is not None and letter.digest == digest(letter.mail)


def _key(session: Session, letter: Letter) -> str:
    """`letter:12`, and with a number behind it when an earlier mail of this letter was withdrawn."""
    base = f"letter:{letter.id}"
    earlier = select(func.count()).where(or_(OutgoingMail.key == base, OutgoingMail.key.like(f"{base}#%")))
    count = session.scalar(earlier) or 0
    return f"{base}#{count + 1}" if count else base


def _claim(session: Session, letter: Letter, now: datetime, **values: object) -> bool:
    query = update(Letter).where(Letter.id == letter.id, Letter.mail_id.is_(None), Letter.skipped_at.is_(None))
    claimed = session.execute(query.values(**values).execution_options(synchronize_session=False))
    session.expire(letter)
    if claimed.rowcount:  # type: ignore[attr-defined]
        _tell(session, letter, now)
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def _tell(session: Session, letter: Letter, now: datetime) -> None:
    feed.announce(session, [letter.user_id], "tasks", f"letter:{letter.id}", now)
    if letter.client_id:
        feed.announce_all(session, "card", letter.client_id, now)

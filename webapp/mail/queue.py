"""Putting a mail into the queue; the worker sends it (`sending.py`)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.mail.models import OutgoingMail

LONGEST_SUBJECT = 300


def put(
    session: Session,
    key: str,
    to_address: str,
    subject: str,
    body: str,
    now: datetime,
    *,
    user_id: int | None = None,
    reply_to: str = "",
) -> OutgoingMail:
    """Queue one mail for `key`, its reason to be; a mail of this key that is there already is returned as it is.

    Takes effect with the transaction of what it tells: no mail of what did not happen, and none missing. Flushes.
    """
    there = session.scalars(select(OutgoingMail).where(OutgoingMail.key == key)).one_or_none()
    if there is not None:
        return there
    mail = OutgoingMail(
        key=key,
        user_id=user_id,
        to_address=to_address,
        reply_to=reply_to,
        subject=" ".join(subject.split())[:LONGEST_SUBJECT],
        body=body,
        message_id=f"{uuid.uuid4().hex}@second-ring",
        due_at=now,
        made_at=now,
    )
    session.add(mail)
    session.flush()
    return mail

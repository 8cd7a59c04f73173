"""What was hung on a card in the very moment it was merged: it follows to the survivor within a minute.

Whoever means to write waits for a merge (`clients/merged.py`); an event that had read the card just before does not.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.clients import merged
from webapp.db import db
from webapp.doubles import links
from webapp.doubles.merging import MERGE
from webapp.doubles.models import Merge

LOOK_BACK = timedelta(hours=1)


def gather(session: Session, now: datetime) -> int:
    """Bring the rows of cards merged lately to their survivors; how many there were."""
    lately = (Merge.kind == MERGE, Merge.undone_at.is_(None), Merge.at > now - LOOK_BACK)
    found = 0
    for other_id in session.scalars(select(Merge.other_id).where(*lately).order_by(Merge.id)).all():
        survivor_id = merged.lead(session, other_id)
        if survivor_id == other_id:
            continue
        for column in links.followers(db.metadata):
            stray = update(column.table).where(column == other_id).values({column.name: survivor_id})
            found += session.execute(stray).rowcount  # type: ignore[attr-defined]
    return found

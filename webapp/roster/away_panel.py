"""What the roster's panel shows that says whether one is away, and takes one away."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.roster import absences, emptying
from webapp.roster.forms import AwayNowForm


def shown(session: Session, user: User, form: AwayNowForm | None, now: datetime, zone: tzinfo) -> dict[str, Any]:
    """For `roster/_away_now.html`; `form` as it was sent, when it was refused or asks."""
    form = form or AwayNowForm(formdata=None)
    running = absences.running(session, user, now)
    return {
        "away": running[0] if running else None,
        "away_form": form,
        "away_until": max((gap.ends for gap in form.emptied), default=None),
        "away_minutes": absences.QUICK_MINUTES,
        "away_emptied": emptying.words(form.emptied, zone),
        "away_mark": emptying.mark(form.emptied, now),
    }

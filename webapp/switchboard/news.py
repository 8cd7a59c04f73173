"""What is said on the page of a caller who is passed on: while it goes on, and for a moment after."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.calls.models import Call, CallAudience, Transfer
from webapp.pages import phone
from webapp.switchboard.keys import SHOWN_FOR

UNDER_WAY = ("passing", "passing_blind", "consulting", "passed", "consulted")


def under_way(state: str, passing: Transfer | None) -> str:
    """What goes on now. `state` as `desk.queries.Mine` tells it."""
    if passing is None or state not in UNDER_WAY:
        return ""
    to, giver = phone(passing.to_text), passing.from_user.name if passing.from_user else _("A colleague")
    return {
        "passing": _("%(to)s is being rung; the caller hears music.", to=to),
        "passing_blind": _("%(to)s is being rung for the caller; you are free.", to=to),
        "consulting": _("You speak with %(to)s; the caller hears music.", to=to),
        "passed": _("%(name)s passes this caller on to you.", name=giver),
        "consulted": _("You speak with %(name)s, who passes this caller on to you.", name=giver),
    }[state]


def lately(session: Session, user: User, shown: int | None, now: datetime) -> str:
    """What became of the last passing-on by or to `user` within SHOWN_FOR; '' when there was none.

    What went well is not told over another call: `shown` is the id of the call on the page, None for none.
    """
    row = session.scalars(
        select(Transfer)
        .where(or_(Transfer.from_user_id == user.id, Transfer.to_user_id == user.id))
        .where(Transfer.ended_at > now - SHOWN_FOR)
        .order_by(Transfer.id.desc())
        .limit(1)
        .options(
            joinedload(Transfer.from_user),
            joinedload(Transfer.call).joinedload(Call.client),
        )
    ).first()
    if row is None or (row.state == "done" and shown not in (None, row.call_id)):
        return ""
    if row.from_user_id == user.id:
        return _to_giver(session, row, user)
    if row.state == "done":
        return ""  # he has the caller before him
    giver, name = row.from_user.name if row.from_user else _("A colleague"), _caller(row.call)
    if row.state == "cancelled":
        return _("%(name)s took the caller back: %(caller)s.", name=giver, caller=name)
    return _("The caller is no longer passed on to you: %(caller)s.", caller=name)


def _to_giver(session: Session, row: Transfer, user: User) -> str:
    to, name = phone(row.to_text), _caller(row.call)
    if row.state == "done":
        return _("%(to)s speaks with the caller now: %(caller)s.", to=to, caller=name)
    if row.state == "cancelled":
        return _("You have the caller back.")
    seat = select(CallAudience.state).where(CallAudience.call_id == row.call_id, CallAudience.user_id == user.id)
    if row.call.state == "ended" or session.scalar(seat) != "taken":
        return _("%(to)s could not be had, and the caller left: %(caller)s.", to=to, caller=name)
    why = {
        "busy": _("%(to)s is busy.", to=to),
        "rejected": _("%(to)s declined.", to=to),
        "no_answer": _("%(to)s does not pick up.", to=to),
    }.get(row.why, _("%(to)s could not be reached.", to=to))
    if row.attended:
        return why + " " + _("The caller is with you again.")
    return why + " " + _("The caller comes back: pick up when your telephone rings.")


def _caller(call: Call) -> str:
    return (call.client.name if call.client else "") or call.caller_name or phone(call.number) or _("hidden number")

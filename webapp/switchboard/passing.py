"""The panel for passing a caller on (D27): to whom, whether they are free, what they should know, what to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import SALES
from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls import transfers
from webapp.calls.models import Call
from webapp.clients import fields, keys
from webapp.desk import caller, talk
from webapp.office import dialling
from webapp.pages import clock_time, moment, phone
from webapp.presence import whereabouts
from webapp.roster import duty
from webapp.switchboard import keys as switch
from webapp.telephones import status
from webapp.touches.models import Touch
from webapp.typed import row_of

MOST_PEOPLE = 7
LONGEST_SEARCH = 60
TOLD = ("reason", "product", "volume", "needed_by", "delivery")
"""Fields of the card that a colleague should know before he speaks."""

STATES: dict[str, tuple[str, Any]] = {
    "duty": ("good", _l("on duty")),
    "free": ("good", _l("free")),
    "writing": ("warn", _l("writing down a talk")),
    "talking": ("warn", _l("in a talk")),
    "off": ("quiet", _l("off work")),
    "away": ("warn", _l("away")),
    "silent": ("warn", _l("softphone is off")),
    "none": ("quiet", _l("no telephone")),
}
"""How a colleague stands, the most likely to help first: look and word."""


@dataclass(frozen=True)
class Person:
    """A colleague the caller may be passed on to. `value` is what the form sends; `why`: whose client it is."""

    value: str
    name: str
    position: str
    number: str
    state: str
    until: str = ""
    why: str = ""

    @property
    def can(self) -> bool:
        """There is a telephone to ring."""
        return self.state != "none"


@dataclass(frozen=True)
class Panel:
    """All the panel shows. `chosen` is the value of the one marked; `say` the phrase for the caller."""

    people: Sequence[Person]
    more: int
    search: str
    chosen: str
    briefing: str
    say: str
    warning: str
    number: str = ""
    number_error: str = ""


def of(
    session: Session, touch: Touch, call: Call, user: User, typed: Mapping[str, str], now: datetime, zone: ZoneInfo
) -> Panel:
    """The panel as `user` sees it; `typed`: the form's q, to and briefing so far."""
    search = typed.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    found = people(session, touch, user, search, now, zone)
    number, number_error = _number(session, user, search)
    values = [person.value for person in found if person.can] + (["number"] if number else [])
    chosen = typed.get("to", "")
    if chosen not in values:
        chosen = values[0] if values and (search or found[0].state in ("duty", "free")) else ""
    return Panel(
        people=found[:MOST_PEOPLE],
        more=max(0, len(found) - MOST_PEOPLE),
        search=search,
        chosen=chosen,
        briefing=typed["briefing"] if "briefing" in typed else briefing(touch),
        say=say(session, touch, user, chosen, now, zone),
        warning=warning(call),
        number=phone(number),
        number_error=number_error,
    )


def people(session: Session, touch: Touch, user: User, search: str, now: datetime, zone: ZoneInfo) -> list[Person]:
    """Colleagues who fit what was typed: the client's own manager, those on duty, who is free; the others after."""
    words = search.casefold().split()
    users = [
        one
        for one in session.scalars(
            select(User).where(User.active, User.role.in_(SALES), User.id != user.id).order_by(User.name, User.id)
        )
        if all(word in f"{one.name} {one.position} {one.login} {transfers.number_of(one)}".casefold() for word in words)
    ]
    where = {one.user.id: one for one in whereabouts.of(session, users, now, zone)}
    on_duty = {entry.user.id: entry.until for entry in duty.anywhere(session, now)}
    bridges = status.read(session)
    owner_id = touch.client.owner_id if touch.client else None

    def person(one: User) -> Person:
        until: datetime | None = None
        stands = where[one.id].state
        if not one.extension:
            state = "none"
        elif stands in ("absent", "away"):
            state, until = "away", where[one.id].until
        elif softphones.is_registered(one) and not bridges.phones_of(one.login):
            state = "silent"
        elif stands in ("talk", "wrap_up"):
            state = "talking" if stands == "talk" else "writing"
        elif one.id in on_duty:
            state, until = "duty", on_duty[one.id]
        else:
            state = "free" if stands == "here" else "off"
        why = _("own client") if one.id == owner_id else ""
        number = transfers.number_of(one)
        return Person(
            f"user-{one.id}",
            one.name,
            one.position,
            number if number.lstrip("+").isdigit() else "",
            state,
            _("until %(time)s", time=_by(until, now, zone)) if until else "",
            why,
        )

    order = list(STATES)
    found = [person(one) for one in users]
    return sorted(found, key=lambda one: (not one.can, one.state == "away", not one.why, order.index(one.state)))


def _by(until: datetime, now: datetime, zone: ZoneInfo) -> str:
    """The time alone when it is today."""
    same_day = until.astimezone(zone).date() == now.astimezone(zone).date()
    return clock_time(until) if same_day else moment(until)


def _number(session: Session, user: User, search: str) -> tuple[str, str]:
    """A number that was typed instead of a name, in E.164, and why it may not be called."""
    if sum(sign.isdigit() for sign in search) < 5 or any(sign.isalpha() for sign in search):
        return "", ""
    number = keys.normal_phone(search, current_app.config["SETTINGS"].country)
    why_not = dialling.of(session, user).why_not(number)
    return ("", why_not) if why_not else (number, "")


def target(session: Session, user: User, to: str, search: str) -> transfers.Target | None:
    """What the form's `to` means: a colleague, or the number that was typed; None for neither."""
    if to == "number":
        return transfers.outside(session, user, search[:LONGEST_SEARCH])
    name, _sign, number = to.partition("-")
    colleague = row_of(session, User, number) if name == "user" else None
    if colleague is None or colleague.role not in SALES or colleague.id == user.id:
        return None
    return transfers.colleague(colleague)


def pass_on(session: Session, call: Call, user: User, typed: Mapping[str, str], attended: bool, now: datetime) -> str:
    """Ask for the caller to be passed on as the form says (q, to, briefing); '' when asked, else why it can't be."""
    wanted = target(session, user, typed.get("to", ""), typed.get("q", ""))
    if wanted is None:
        return _("Choose to whom.")
    can = switch.of(session, call, user, transfers.under_way(session, call, now), now)
    if all(key.what != "pass" for key in can.keys):
        return _("The caller can't be passed on at this moment.")
    transfers.start(session, call, user, wanted, attended, typed.get("briefing", ""), now)
    return ""


def briefing(touch: Touch) -> str:
    """What the colleague should know (D27): who, what about, which number; so that nobody repeats himself."""
    have = caller.known(touch)
    name = " ".join(have[part] for part in ("surname", "given_name", "patronymic") if have.get(part))
    who = ", ".join(part for part in (name, have.get("position", ""), have.get("name", "")) if part)
    lines = [who or _("Caller without a name")]
    if touch.purpose:
        lines.append(_("About: %(purpose)s", purpose=touch.purpose.name))
    lines += [
        f"{fields.BY_NAME[field].label}: {have[field]}" for field in TOLD if field in fields.BY_NAME and have.get(field)
    ]
    if touch.call and touch.call.number:
        lines.append(phone(touch.call.number))
    if touch.note:
        lines.append(touch.note.strip())
    return "\n".join(lines)[: transfers.LONGEST_BRIEFING]


def say(session: Session, touch: Touch, user: User, to: str, now: datetime, zone: ZoneInfo) -> str:
    """The sentence with the colleague's name, position and number that asks the caller's permission (D27)."""
    found = target(session, user, to, "") if to.startswith("user-") else None
    colleague = found.user if found else None
    number = transfers.number_of(colleague) if colleague else ""
    values = {
        "owner": colleague.name if colleague else None,
        "owner_position": (colleague.position or None) if colleague else None,
        "owner_number": number if number.lstrip("+").isdigit() else None,
    }
    return talk.phrase(session, touch, "transfer", user, now, zone, values)


def warning(call: Call) -> str:
    """Before the second redirect and any later one (D17)."""
    if call.redirects < transfers.WARN_FROM:
        return ""
    if call.redirects == 1:
        return _(
            "This caller was passed on once already. The third hand-over loses the caller: "
            "better take the number and promise a call."
        )
    return _(
        "This caller was passed on %(count)d times already. The third hand-over loses the caller: "
        "take the number and promise a call.",
        count=call.redirects,
    )

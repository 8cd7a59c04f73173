"""Reading the forms of tasks: what was typed comes back with a sentence beside each field that can't be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.clients import keys, match
from webapp.clients.listing import search
from webapp.clients.models import Client
from webapp.office.queries import the_office
from webapp.pages import moment
from webapp.roster import duty
from webapp.roster.wallclock import written
from webapp.tasks import times
from webapp.tasks.messages import MOODS, Draft
from webapp.tasks.work import MAX_REPORT, Owed
from webapp.touches.typedtime import BadTime
from webapp.typed import row_id, row_of

WORKERS = (Role.HEAD, Role.MANAGER, Role.AGENT, Role.SECRETARY, Role.EXPERT)
CHOICES = 8
MAX_WHO = 200


@dataclass
class Form:
    """What was typed, by field, and what to do about each field that can't be used as it is.

    `choices`: cards that fit the name, to choose from.
    """

    typed: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    choices: Sequence[Client] = ()


def colleagues(session: Session, but: User | None = None) -> Sequence[User]:
    """Those who may owe something, by name."""
    query = select(User).where(User.active, User.role.in_([role.value for role in WORKERS]))
    return session.scalars((query.where(User.id != but.id) if but else query).order_by(User.name, User.id)).all()


def owed(session: Session, typed: Mapping[str, str], now: datetime, zone: ZoneInfo, country: str) -> Owed | Form:
    """A task made by hand, or the form with what to mend."""
    form = Form(typed)
    words = typed.get("words", "").strip()
    if not words:
        form.errors["words"] = _("What is to be done? A few words will do.")
    due_at = _time(form, "when", now, zone)
    client_id, number = _whom(session, form, country)
    if form.errors or due_at is None:
        return form
    return Owed(words, due_at, client_id, number)


def message(
    session: Session, typed: Mapping[str, str], user: User, now: datetime, zone: ZoneInfo, asked: str
) -> Draft | Form:
    """A message for a colleague, or the form with what to mend.

    What is only asked for once (reading it back, a promise outside the office's hours) is let through when `asked`
    names it already.
    """
    form = Form(typed)
    to = row_of(session, User, typed.get("to", ""))
    if to is None or not to.active or not to.has_role(*WORKERS) or to.id == user.id:
        form.errors["to"] = _("For whom is it?")
    if not typed.get("who", "").strip():
        form.errors["who"] = _("Who called?")
    if not typed.get("words", "").strip():
        form.errors["words"] = _("What did they say, word for word?")
    if typed.get("mood") not in MOODS:
        form.errors["mood"] = _("How did they sound?")
    promised = None
    if typed.get("promised", "").strip():
        promised = _time(form, "promised", now, zone)
        if promised and "hours" not in asked and (closed := _closed(session, promised, zone)):
            form.errors["promised"] = closed
    if not typed.get("read_back") and "read" not in asked:
        form.errors["read_back"] = _("Read it back to the caller, then tick this. Save again without it if he is gone.")
    if form.errors or to is None:
        return form
    return Draft(
        to,
        typed["who"].strip()[:MAX_WHO],
        typed["words"].strip()[:MAX_REPORT],
        typed["mood"],
        bool(typed.get("read_back")),
        promised,
    )


def matter(
    session: Session, typed: Mapping[str, str], user: User, now: datetime, zone: ZoneInfo, warned: str
) -> tuple[User, datetime, str] | Form:
    """A matter passed on: to whom, until when, in which words; `warned` asks to think again, unless it was ticked."""
    form = Form(typed)
    to = row_of(session, User, typed.get("to", ""))
    if to is None or not to.active or not to.has_role(*WORKERS) or to.id == user.id:
        form.errors["to"] = _("To whom?")
    due_at = _time(form, "when", now, zone)
    words = typed.get("words", "").strip()
    if not words:
        form.errors["words"] = _("What is to be done? Your colleague knows only what you write here.")
    if warned and not typed.get("anyway"):
        form.errors["anyway"] = warned
    if form.errors or to is None or due_at is None:
        return form
    return to, due_at, words


def _time(form: Form, name: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        return times.ahead(form.typed.get(name, ""), now, zone)
    except BadTime as why:
        form.errors[name] = str(why)
        return None


def _closed(session: Session, at: datetime, zone: ZoneInfo) -> str:
    """What to think of when the office is closed at `at`; '' when it is open."""
    office = the_office(session)
    if duty.is_open(session, office, at, zone):
        return ""
    hours = f"{written(office.opens)}–{written(office.closes)}"
    return _(
        "The office is closed %(when)s (hours: %(hours)s). Save again to promise it all the same.",
        when=moment(at),
        hours=hours,
    )


def _whom(session: Session, form: Form, country: str) -> tuple[int | None, str]:
    """The card or the number that is meant: chosen, dialled, or called by name."""
    chosen = row_id(form.typed.get("client", ""))
    if chosen is not None:
        client = session.get(Client, chosen)
        if client is not None and client.merged_into_id is None:
            return client.id, _number_of(client)
    text = form.typed.get("whom", "").strip()
    if not text:
        form.errors["whom"] = _("With whom? Type a number or the name of a client.")
        return None, ""
    normal = keys.normal_phone(text, country)
    if not any(sign.isalpha() for sign in text) and normal:
        return match.certain(match.by_number(session, normal, country)), normal
    found = search(session, text, country)
    if len(found) == 1:
        return found[0].id, _number_of(found[0])
    form.choices = found[:CHOICES]
    form.errors["whom"] = (
        _("Several clients are called so: choose one below.")
        if found
        else _("No client is called so. Type a number, or make the card first.")
    )
    return None, ""


def _number_of(client: Client) -> str:
    return next((one.normal for one in client.contact_points if one.kind in ("phone", "mobile") and one.normal), "")

"""Whose mails somebody sees: one's own, all for the head; for the administrator all, without words and addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, not_, or_, select, true
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Role, User
from webapp.mail.models import OutgoingMail

AT_ONCE = 100
STATES = {
    "queued": ("live", _l("waiting")),
    "claimed": ("live", _l("being sent")),
    "handing": ("live", _l("being sent")),
    "unsure": ("bad", _l("unsure whether it went")),
    "refused": ("bad", _l("refused")),
    "given_up": ("bad", _l("not sent, given up")),
    "sent": ("good", _l("sent")),
    "withdrawn": ("quiet", _l("withdrawn")),
    "replaced": ("quiet", _l("sent again")),
}
"""Kind of mark and word, in the order of the page."""
FILTERS = {
    "waiting": (_l("Waiting"), ("queued", "claimed", "handing")),
    "unsure": (_l("Unsure"), ("unsure",)),
    "refused": (_l("Refused"), ("refused", "given_up")),
    "sent": (_l("Sent"), ("sent",)),
    "over": (_l("Withdrawn"), ("withdrawn", "replaced")),
}
COUNTED = ("waiting", "unsure", "refused")
URGENT = ("unsure", *FILTERS["waiting"][1])
STAGES = {
    "connect": _l("No connection with the mail server"),
    "tls": _l("No secure connection with the mail server"),
    "login": _l("The mail server does not let us in"),
    "message": _l("No mail can be made of it"),
    "sender": _l("The mail server refuses our address"),
    "address": _l("The mail server refuses this address"),
    "text": _l("The mail server did not take the text"),
    "answer": _l("The mail server did not confirm it"),
}
STAGES_OF_SERVER = ("connect", "tls", "login")
"""What goes wrong there concerns everybody, and names nobody."""
SAID = {
    "timeout": _l("no answer"),
    "slow": _l("it took too long"),
    "cut": _l("the connection broke"),
    "stopped": _l("the desk was stopped in the middle"),
    "no_tls": _l("it offers no TLS"),
    "no_login": _l("it takes no password"),
    "no_address": _l("the address is none"),
}


@dataclass(frozen=True)
class Shown:
    """The newest mails of the chosen states, those that wait or are unsure first; how many there are of each filter of
    COUNTED; and what is wrong with the server.
    """

    mails: Sequence[OutgoingMail]
    counts: Mapping[str, int]
    last_error: str


def state_words(mail: OutgoingMail) -> tuple[str, object]:
    """The kind of mark and the word for the state of a mail."""
    return STATES[mail.state]


def sees_words(user: User) -> bool:
    """The administrator keeps the machine and sees no letters."""
    return not user.has_role(Role.ADMIN)


def visible(user: User) -> ColumnElement[bool]:
    """The mails somebody sees in the list."""
    if user.has_role(Role.HEAD, Role.ADMIN):
        return true()
    return OutgoingMail.user_id == user.id


def may_read(mail: OutgoingMail, user: User) -> bool:
    """Whose words somebody may read, and decide about: one's own, all for the head."""
    return mail.user_id == user.id or user.has_role(Role.HEAD)


def of(session: Session, user: User, chosen: str) -> Shown:
    """What `user` sees of the mails in the states of filter `chosen`, '' for all."""
    mine = visible(user)
    open_states = [state for name in COUNTED for state in FILTERS[name][1]]
    grouped = select(OutgoingMail.state, func.count()).where(mine, OutgoingMail.state.in_(open_states))
    by_state = {state: count for state, count in session.execute(grouped.group_by(OutgoingMail.state))}
    counts = {name: sum(by_state.get(state, 0) for state in FILTERS[name][1]) for name in COUNTED}
    query = select(OutgoingMail).where(mine).options(joinedload(OutgoingMail.user))
    query = query.order_by(OutgoingMail.made_at.desc(), OutgoingMail.id.desc())
    if chosen in FILTERS:
        mails = session.scalars(query.where(OutgoingMail.state.in_(FILTERS[chosen][1])).limit(AT_ONCE)).all()
    else:  # two look-ups of a few rows each: one order over all would read every mail there ever was
        urgent = OutgoingMail.state.in_(URGENT)
        first = session.scalars(query.where(urgent).limit(AT_ONCE)).all()
        mails = [*first, *session.scalars(query.where(not_(urgent)).limit(AT_ONCE - len(first)))]
    of_server = or_(*(OutgoingMail.last_error.like(f"{stage}: %") for stage in STAGES_OF_SERVER))
    waits = select(OutgoingMail.last_error).where(OutgoingMail.ended_at.is_(None), of_server)
    last_error = session.scalar(waits.order_by(OutgoingMail.claimed_at.desc()).limit(1)) or ""
    return Shown(mails, counts, last_error if by_state.get("queued") else "")


def error_words(last_error: str, without: str = "") -> str:
    """What went wrong, in the reader's language, then the server's own words; `without` an address they may name."""
    stage, _, said = last_error.partition(": ")
    if stage not in STAGES:
        return ""
    said = str(SAID.get(said, said))
    if without:
        box = without.rpartition("@")[0]
        said = said.replace(without, "…").replace(box, "…") if box else said
    return f"{STAGES[stage]}: {said}" if said else str(STAGES[stage])


def attempt(mail: OutgoingMail) -> int:
    """How often its words were put into the queue, this one included."""
    return int(mail.key.partition("#")[2] or 1)

"""The words of a ledger row: its result and its state."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from webapp.calls.queries import STATES
from webapp.reports.ledger import Row
from webapp.touches.forms import NEXT_LABELS

DOORS: dict[str, LazyString] = {
    "call": _l("our call"),
    "mail": _l("letter"),
    "web": _l("website"),
    "visit": _l("visit"),
    "paper": _l("on paper"),
    "phone": _l("phone call"),
    "show": _l("exhibition"),
    "letter": _l("paper letter"),
    "messenger": _l("messenger"),
}
"""Where a contact without an incoming call came through."""


def state_word(state: str) -> str:
    """What became of the call, or the door of a touch without one."""
    if state in STATES:
        return str(STATES[state][1])
    return str(DOORS.get(state, state))


def state_kind(state: str) -> str:
    """The look of the state: good, warn, bad, quiet or live."""
    return STATES[state][0] if state in STATES else "quiet"


def next_step(row: Row) -> str:
    """What was agreed as the next step (D70)."""
    return str(NEXT_LABELS[row.next_kind]) if row.next_kind in NEXT_LABELS else ""

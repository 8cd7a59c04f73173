"""Which status of a client, or stage of a deal, may become which (D35): the head's grid, asked by every verb.

What the head has not set follows the default: forward only, and lost from everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.deals.models import ENDED, STAGES
from webapp.office.models import ClientStatus
from webapp.rules.models import Transition

STATUS, STAGE = "status", "stage"
END = "end"
"""As `after`: a status may stay for good; nothing need lead on from it."""


class ReasonNeeded(BadValue):
    """The rules forbid it to all but the head, and he has not said why yet."""


def allowed(session: Session, grid: str, before: str, after: str) -> bool:
    """May `before` become `after`? Keys as in `Transition`: a status's id, '' for none yet; a stage."""
    if before == after:
        return True
    told = select(Transition.allowed).where(
        Transition.grid == grid, Transition.before == before, Transition.after == after
    )
    answer = session.scalar(told)
    return by_default(order(session, grid), before, after) if answer is None else answer


def steps(session: Session, grid: str) -> dict[str, list[str]]:
    """What every key of the grid, and '' for none yet, may become, in order; itself is not among it. Two queries."""
    keys = order(session, grid)
    told = cells(session, grid)

    def may(before: str, after: str) -> bool:
        return after != before and told.get((before, after), by_default(keys, before, after))

    return {before: [after for after in keys if may(before, after)] for before in ("", *keys)}


def cells(session: Session, grid: str) -> dict[tuple[str, str], bool]:
    """What the head has set, by (before, after)."""
    rows = session.scalars(select(Transition).where(Transition.grid == grid))
    return {(row.before, row.after): row.allowed for row in rows}


def check(session: Session, grid: str, before: str, after: str, author: Author) -> None:
    """Raises BadValue unless the grid lets `before` become `after`, or the author is the head and says why.

    The head who has not said why gets ReasonNeeded.
    """
    if allowed(session, grid, before, after):
        return
    if author.user and author.user.has_role(Role.HEAD):
        if author.why.strip():
            return
        raise ReasonNeeded(_l("The rules don't allow this step. Say why it is taken all the same."))
    if grid == STATUS:
        raise BadValue(_l("The rules don't allow this change of status. The head of sales can make it."))
    raise BadValue(_l("The rules don't allow this step. The head of sales can take it."))


def order(session: Session, grid: str) -> list[str]:
    """All keys of a grid from first to last, without the '' of a card that has no status yet."""
    if grid == STAGE:
        return list(STAGES)
    return [str(key) for key in session.scalars(select(ClientStatus.id).order_by(ClientStatus.rank, ClientStatus.id))]


def by_default(keys: Sequence[str], before: str, after: str) -> bool:
    """The rule where the head has set none, for `keys` from first to last."""
    if after not in keys or before in ENDED:
        return False
    return before not in keys or keys.index(after) > keys.index(before)

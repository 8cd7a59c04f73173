"""The two grids the head edits (D35): which status may follow which, which stage of a deal. Saved as a whole.

Every cell that was on the page is kept, ticked or not; a status made later follows the default until the next save.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.deals import stages
from webapp.deals.models import ENDED, STAGES
from webapp.office.models import ClientStatus, Office
from webapp.office.queries import items
from webapp.rules.models import Transition
from webapp.rules.transitions import END, STAGE, STATUS, by_default, cells, order

TITLES = {STATUS: _l("Steps of statuses"), STAGE: _l("Steps of deals")}


class Locked(ValueError):
    """A grid that would lock cards or deals in; `problems` say where."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems[0])
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid as it is shown. `rows` and `columns`: key -> name; `ticks`: (before, after) that is allowed.

    A status that may stay for good has a tick (status, END); stages end in ENDED.
    """

    name: str
    rows: dict[str, str]
    columns: dict[str, str]
    ticks: Set[tuple[str, str]]

    @property
    def has_ends(self) -> bool:
        """True when the head says what is an end."""
        return self.name == STATUS

    @property
    def keys(self) -> str:
        """What the page shows, to tell whether the list is another one meanwhile."""
        return " ".join(self.columns)

    def is_end(self, key: str) -> bool:
        """May a card or deal stay there for good?"""
        return key in ENDED or (key, END) in self.ticks


def read(session: Session, name: str) -> Grid:
    """The grid as it is: what the head has set, and the default where he has not."""
    columns = _states(session, name)
    rows = {"": _("No status yet"), **columns} if name == STATUS else columns
    told, keys = cells(session, name), order(session, name)
    ticks = {
        (before, after)
        for before in rows
        for after in columns
        if before != after and told.get((before, after), by_default(keys, before, after))
    }
    if name == STATUS and columns:
        last = next(reversed(columns))
        ticks |= {(key, END) for key in columns if told.get((key, END), key == last)}
    return Grid(name, rows, columns, ticks)


def _states(session: Session, name: str) -> dict[str, str]:
    if name == STAGE:
        return {stage: str(stages.LABELS[stage]) for stage in STAGES}
    return {str(one.id): one.name for one in items(session, ClientStatus)}


def problems(grid: Grid) -> list[str]:
    """What is wrong with a grid, in the reader's words; [] when nobody is locked in or out."""
    ways = {row: {after for after in grid.columns if (row, after) in grid.ticks} for row in grid.rows}
    found = []
    if "" in ways and grid.columns and not ways[""]:
        found.append(_("A new card can get no status: tick one in the row “No status yet”."))
    stuck = {key for key in grid.columns if not ways[key] and not grid.is_end(key)}
    for key, name in grid.columns.items():
        if key in stuck and grid.has_ends:
            found.append(_("From “%(name)s” nothing leads on. Tick a way on, or that it is an end.", name=name))
        elif key in stuck:
            found.append(_("From “%(name)s” nothing leads on. Tick a way on.", name=name))
    if grid.name == STAGE:
        for end in ENDED:
            reached = _leading_to(end, ways)
            found += [
                _("No way leads from “%(name)s” to “%(end)s”.", name=grid.rows[key], end=grid.rows[end])
                for key in grid.columns
                if key not in reached and key not in stuck and key not in ENDED
            ]
    return found


def _leading_to(end: str, ways: dict[str, set[str]]) -> set[str]:
    reached, grown = {end}, True
    while grown:
        more = {key for key, afters in ways.items() if afters & reached} - reached
        reached, grown = reached | more, bool(more)
    return reached


def save(session: Session, grid: Grid) -> None:
    """Keep every cell of the grid. Flushes. Raises Locked, and then nothing has changed."""
    session.execute(select(Office.id).with_for_update())  # one head after the other
    if found := problems(grid):
        raise Locked(found)
    _forget(session, grid)
    afters = [*grid.columns, END] if grid.has_ends else [*grid.columns]
    session.add_all(
        Transition(grid=grid.name, before=before, after=after, allowed=(before, after) in grid.ticks)
        for before in grid.rows
        for after in afters
        if before != after and not (after == END and not before)
    )
    session.flush()


def forget(session: Session, name: str) -> None:
    """Back to the default. Flushes."""
    session.execute(select(Office.id).with_for_update())
    session.execute(delete(Transition).where(Transition.grid == name))


def _forget(session: Session, grid: Grid) -> None:
    shown = (Transition.before.in_(list(grid.rows)), Transition.after.in_([*grid.columns, END]))
    session.execute(delete(Transition).where(Transition.grid == grid.name, *shown))

"""The ledger as a list for a file: its columns, its rows, and the sums under them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.reports.labels import next_step, state_word
from webapp.reports.ledger import Row, Totals
from webapp.sheets import Cell, Column, on_the_wall


def columns() -> list[Column]:
    """The columns."""
    return [Column(title, width) for title, width in zip(titles(), _WIDTHS, strict=True)]


def counted(rows: Iterable[Row], sums: Totals, zone: ZoneInfo, phone: Callable[[str], str]) -> Iterator[list[Cell]]:
    """The rows' cells; each is counted in `sums` as it passes."""
    for row in rows:
        sums.add(row)
        yield cells(row, zone, phone)


_WIDTHS = (17, 18, 28, 30, 20, 28, 20, 26, 17, 20, 18, 14, 7, 9, 50)


def titles() -> list[str]:
    """The columns' names."""
    return [
        _("Date and time"),
        _("Manager"),
        _("Full name"),
        _("Organisation"),
        _("Phone"),
        _("E-mail"),
        _("Purpose"),
        _("Result"),
        _("Next touch"),
        _("Next step"),
        _("Channel"),
        _("State"),
        _("Rings"),
        _("Talk, min"),
        _("Note"),
    ]


def cells(row: Row, zone: ZoneInfo, phone: Callable[[str], str]) -> list[Cell]:
    """One row; times on the office's wall."""
    return [
        on_the_wall(row.at, zone),
        row.manager,
        row.person or (row.client if row.is_private else row.caller_name),
        "" if row.is_private else row.client,
        phone(row.phone),
        row.email,
        row.purpose,
        row.outcome,
        on_the_wall(row.next_at, zone),
        next_step(row),
        row.channel,
        state_word(row.state),
        row.rings or None,
        round(row.talk_seconds / 60, 1) if row.talk_seconds else None,
        row.note,
    ]


def sum_lines(sums: Totals) -> list[list[Cell]]:
    """The sums under the rows, a name and a value each; then the contacts by channel."""
    small = _("small sample") if sums.small_sample and sums.contacts else ""
    lines: list[list[Cell]] = [
        [_("Total contacts"), sums.contacts],
        [_("Meetings set"), sums.meetings],
        [_("Sales"), sums.sales],
        [_("Conversion, %"), None if sums.conversion is None else round(sums.conversion, 1), small],
        [_("Incoming calls"), sums.incoming_calls],
        [_("Missed calls"), sums.missed],
        [_("Minutes of talk"), round(sums.talk_seconds / 60, 1)],
        [_("Offers made"), sums.offers],
        [],
        [_("Contacts by channel")],
    ]
    return lines + [[channel or _("not known"), count] for channel, count in sums.channels.most_common()]

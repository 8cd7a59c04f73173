"""A row of a list as it was read: its number, its cells as text, and what is wrong with one of them, if anything."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.sheets import undefused

MOST_COLUMNS = 100
LONGEST_CELL = 32_767
"""What a cell of a spreadsheet can hold."""


@dataclass(slots=True)
class Row:
    """`number` is the row's in the file, from 1. `flaw`: '' or a kind of `reasons.py`; `column` from 0, -1: none."""

    number: int
    cells: list[str]
    flaw: str = ""
    column: int = -1


def tidy(cells: list[str]) -> list[str]:
    """Cells without spaces around them, the apostrophes of our own files and the empty ones at the end."""
    cells = [undefused(cell.replace("\0", "")).strip() for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def checked(row: Row) -> Row:
    """The row, with its flaw when a cell is too long; such a cell is cut."""
    for column, cell in enumerate(row.cells):
        if len(cell) > LONGEST_CELL:
            row.cells[column] = cell[:200] + "…"
            row.flaw, row.column = row.flaw or "long", row.column if row.flaw else column
    return row

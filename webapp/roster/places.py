"""What a shift is for: all calls, those of a line, or those of a region's clients; as forms and addresses name it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.office.models import Line, Region


@dataclass(frozen=True, slots=True)
class Place:
    """The line and the region of a shift; both None for a general one."""

    line_id: int | None = None
    region_id: int | None = None

    @property
    def code(self) -> str:
        """`line-3`, `region-2`, or '' for a general shift."""
        if self.line_id:
            return f"line-{self.line_id}"
        return f"region-{self.region_id}" if self.region_id else ""


GENERAL = Place()


def parse(code: str) -> Place:
    """The place a code names; GENERAL for what names none."""
    match = re.fullmatch(r"(line|region)-(\d{1,9})", code, re.ASCII)
    if not match:
        return GENERAL
    return Place(line_id=int(match[2])) if match[1] == "line" else Place(region_id=int(match[2]))


def choices(session: Session, keep: Place = GENERAL) -> list[tuple[str, str]]:
    """(code, name) of every place that a shift can be for, all calls first; `keep` even when it was retired."""
    lines = session.scalars(select(Line).order_by(Line.title, Line.name)).all()
    regions = session.scalars(select(Region).order_by(Region.rank, Region.id)).all()
    return [
        ("", _("All calls")),
        *((Place(line_id=row.id).code, line_name(row)) for row in lines if row.active or row.id == keep.line_id),
        *((Place(region_id=row.id).code, row.name) for row in regions if row.active or row.id == keep.region_id),
    ]


def line_name(line: Line) -> str:
    """What people call a line."""
    return line.title or line.name


def words(line: Line | None, region: Region | None) -> str:
    """What a shift is for, '' when it is for all calls."""
    return " · ".join(part for part in (line and line_name(line), region and region.name) if part)


def named(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """The names of places by their codes, of those that are still there."""
    known = {parse(code) for code in codes}
    lines = session.scalars(select(Line).where(Line.id.in_([one.line_id for one in known if one.line_id])))
    regions = session.scalars(select(Region).where(Region.id.in_([one.region_id for one in known if one.region_id])))
    return {
        **{Place(line_id=row.id).code: line_name(row) for row in lines},
        **{Place(region_id=row.id).code: row.name for row in regions},
    }

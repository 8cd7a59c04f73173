"""Reads of the office's settings and lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.office.models import Line, ListItem, Office, PriceRange

Item = TypeVar("Item", bound=ListItem)


def the_office(session: Session) -> Office:
    """The one row of settings."""
    return session.get_one(Office, 1)


def items(session: Session, model: type[Item], keep: int | None = None) -> Sequence[Item]:
    """The items of one list in order: the active ones, and the one in use (`keep`) even when it was retired."""
    rows = session.scalars(select(model).order_by(model.rank, model.id))
    return [row for row in rows if row.active or row.id == keep]


def line_called(session: Session, name: str) -> Line | None:
    """The active line with this SIP user part, else the first active line."""
    lines = list(session.scalars(select(Line).where(Line.active).order_by(Line.id)))
    return next((line for line in lines if line.name == name), lines[0] if lines else None)


def price_of(session: Session, product: str) -> PriceRange | None:
    """The range of the product somebody named, else the only one there is (D54)."""
    ranges = price_ranges(session)
    wanted = product.casefold().strip()
    found = next((one for one in ranges if wanted and one.product.casefold() in (wanted, *wanted.split())), None)
    found = found or next((one for one in ranges if wanted and wanted in one.product.casefold()), None)
    return found or (ranges[0] if len(ranges) == 1 else None)


def price_ranges(session: Session) -> Sequence[PriceRange]:
    """All price ranges by product (D54)."""
    return session.scalars(select(PriceRange).order_by(PriceRange.product)).all()

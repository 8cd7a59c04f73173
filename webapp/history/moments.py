"""A place on a timeline: when, of which source, which row. Two entries never share one, however equal their times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """Where an entry stands; the newest is the greatest. `rank` tells the sources apart at equal times."""

    at: datetime
    rank: int
    id: int

    def __str__(self) -> str:
        """For an address: microseconds since 1970, the rank, the row's id."""
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.rank}-{self.id}"


def read(text: str) -> Place | None:
    """The place that `str` wrote; None for anything else."""
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        return None
    micros, rank, row_id = (int(part) for part in parts)
    if micros > (_LAST - _EPOCH) // timedelta(microseconds=1) or row_id >= 2**31:
        return None
    return Place(_EPOCH + timedelta(microseconds=micros), rank, row_id)


def older(at: Any, row_id: Any, rank: int, place: Place) -> ColumnElement[bool]:
    """The condition that a row of the source `rank` stands behind `place`."""
    if rank != place.rank:
        return at <= place.at if rank < place.rank else at < place.at
    return or_(at < place.at, and_(at == place.at, row_id < place.id))


def not_older(at: Any, row_id: Any, rank: int, place: Place) -> ColumnElement[bool]:
    """The condition that a row stands at `place` or before it."""
    if rank != place.rank:
        return at > place.at if rank < place.rank else at >= place.at
    return or_(at > place.at, and_(at == place.at, row_id >= place.id))

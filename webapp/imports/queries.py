"""Reads of lists that were taken in, and of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.accounts.models import Role, User
from webapp.clients.models import Client
from webapp.imports.models import ColumnMapping, Import, ImportRow
from webapp.imports.work import DECIDED

ON_A_PAGE = 20
MOST_LISTS = 50


def lists(session: Session, user: User) -> Sequence[Import]:
    """The newest lists: the head sees all, others their own."""
    query = select(Import).options(joinedload(Import.made_by), joinedload(Import.job))
    if not user.has_role(Role.HEAD):
        query = query.where(Import.made_by_id == user.id)
    return session.scalars(query.order_by(Import.made_at.desc(), Import.id.desc()).limit(MOST_LISTS)).all()


def one(import_id: int) -> Select[tuple[Import]]:
    """The query of one list with its job."""
    return select(Import).where(Import.id == import_id).options(joinedload(Import.made_by), joinedload(Import.job))


def remembered(session: Session, digest: str) -> dict[str, str] | None:
    """How columns with these names were read last time."""
    found = session.get(ColumnMapping, digest)
    return found.mapping if found else None


def rows(session: Session, import_id: int, states: Sequence[str], after: int = 0) -> list[ImportRow]:
    """Rows in these states past row `after`, one more than ON_A_PAGE when others follow."""
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == import_id, ImportRow.state.in_(states), ImportRow.number > after)
        .options(
            joinedload(ImportRow.client).selectinload(Client.people),
            joinedload(ImportRow.client).selectinload(Client.contact_points),
            joinedload(ImportRow.client).joinedload(Client.owner),
        )
        .order_by(ImportRow.number)
        .limit(ON_A_PAGE + 1)
    )
    return list(session.scalars(query).unique())


def row(import_id: int, row_id: int) -> Select[tuple[ImportRow]]:
    """The query of one row of a list, with the card it may be."""
    return (
        select(ImportRow)
        .where(ImportRow.id == row_id, ImportRow.import_id == import_id)
        .options(
            selectinload(ImportRow.client).selectinload(Client.people),
            selectinload(ImportRow.client).selectinload(Client.contact_points),
        )
    )


def decided(session: Session, import_id: int) -> int:
    """How many doubtful rows somebody has decided before the run."""
    query = select(func.count()).where(ImportRow.import_id == import_id, ImportRow.state.in_(DECIDED))
    return session.scalar(query) or 0


def refused(session: Session, import_id: int) -> Iterator[ImportRow]:
    """Every refused row, in the list's order, a few at a time."""
    after = 0
    while True:
        query = select(ImportRow).where(
            ImportRow.import_id == import_id, ImportRow.state == "refused", ImportRow.number > after
        )
        some = session.scalars(query.order_by(ImportRow.number).limit(1000)).all()
        yield from some
        if len(some) < 1000:
            return
        after = some[-1].number

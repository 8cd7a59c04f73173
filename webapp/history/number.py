"""Everything about one number, in whatever form it was written: its calls and what became of it, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.calls.models import Call
from webapp.clients import keys
from webapp.clients.models import CardChange, Client, ContactPoint, NotSame
from webapp.history import timeline
from webapp.history.moments import Place
from webapp.history.timeline import Page, Source
from webapp.imports.models import ImportRow
from webapp.privacy import identifiers
from webapp.tasks.models import Task
from webapp.touches.models import Touch
from webapp.worklists.models import WorklistItem

MOST = 30


@dataclass(frozen=True)
class Number:
    """`normal` is the number to show and to call; `forms` are all in which it may be kept."""

    normal: str
    forms: tuple[str, ...]
    points: Sequence[ContactPoint] = ()
    not_theirs: Sequence[Client] = ()
    items: Sequence[WorklistItem] = ()
    rows: Sequence[ImportRow] = ()

    @property
    def clients(self) -> dict[int, Client]:
        """The cards that have it, by id."""
        return {point.client_id: point.client for point in self.points}


def forms_of(normal: str) -> tuple[str, ...]:
    """How `Call.number` and its like may hold this number; several only for one with its country code."""
    plain = (
        {form for form in identifiers.of_number(normal) if form.lstrip("+").isdigit()} if normal[0] == "+" else set()
    )
    return tuple(sorted({normal, *plain}))


def read(session: Session, normal: str) -> Number:
    """Whose it is and where else it stands: cards with their people, verdicts, lists to call, lists taken in."""
    forms = forms_of(normal)
    points = session.scalars(
        select(ContactPoint)
        .join(ContactPoint.client)
        .where(ContactPoint.normal.in_(forms), Client.merged_into_id.is_(None))
        .options(
            joinedload(ContactPoint.client).selectinload(Client.people),
            joinedload(ContactPoint.client).joinedload(Client.owner),
            joinedload(ContactPoint.person),
        )
        .order_by(ContactPoint.client_id, ContactPoint.id)
        .limit(MOST)
    ).all()
    refused = select(NotSame.client_id).where(NotSame.number.in_(forms))
    others = select(Client).where(Client.id.in_(refused)).options(selectinload(Client.people)).order_by(Client.id)
    items = (
        select(WorklistItem)
        .where(WorklistItem.number.in_(forms))
        .options(joinedload(WorklistItem.worklist), joinedload(WorklistItem.agent))
        .order_by(WorklistItem.id.desc())
    )
    rows = (
        select(ImportRow)
        .where(ImportRow.client_id.in_([point.client_id for point in points]))
        .order_by(ImportRow.id.desc())
    )
    return Number(
        normal,
        forms,
        points,
        session.scalars(others.limit(MOST)).all(),
        session.scalars(items.limit(MOST)).all(),
        session.scalars(rows.limit(MOST)).all(),
    )


def happened(session: Session, number: Number, before: Place | None) -> Page:
    """What happened with it, newest first: calls and their contacts, tasks, and when it was put on a card or off."""
    calls = select(Call.id).where(Call.number.in_(number.forms))
    written = {*identifiers.of_number(number.normal), *(point.value for point in number.points)}
    noted = select(CardChange).where(
        CardChange.client_id.in_(number.clients), or_(CardChange.old.in_(written), CardChange.new.in_(written))
    )
    return timeline.page(
        session,
        (
            timeline.touches(Touch.call_id.in_(calls)),
            timeline.calls(and_(Call.number.in_(number.forms), ~exists().where(Touch.call_id == Call.id))),
            timeline.tasks(or_(Task.number.in_(number.forms), Task.call_id.in_(calls))),
            Source("change", 1, noted.options(joinedload(CardChange.user)), CardChange.at, CardChange.id),
        ),
        before,
    )


def somewhere(session: Session, text: str, country: str) -> tuple[str, int] | None:
    """A row that has the number typed, for its address: ('call' or 'point', its id); None when nothing has it."""
    normal = keys.normal_phone(text, country)
    if not normal:
        return None
    forms = forms_of(normal)
    call = select(Call.id).where(Call.number.in_(forms)).order_by(Call.offered_at.desc(), Call.id.desc()).limit(1)
    if found := session.scalar(call):
        return "call", found
    point = select(ContactPoint.id).where(ContactPoint.normal.in_(forms)).order_by(ContactPoint.id).limit(1)
    return ("point", found) if (found := session.scalar(point)) else None

"""Writes the search keys of all cards anew, after an upgrade that knows more of them; cards are found meanwhile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from webapp.clients import keys, match
from webapp.clients.contacts import TELEPHONES, office_country
from webapp.clients.models import Client
from webapp.jobs.models import Job
from webapp.rules.models import ExtraValue

AT_ONCE = 200


def step(session: Session, job: Job, now: datetime) -> bool:
    """The next AT_ONCE cards; True while more are left (`jobs/work.py`). `facts["after"]`: the last id done."""
    after = int(job.facts.get("after", 0))
    if not job.total:
        job.total = session.scalar(select(func.count(Client.id)).where(Client.merged_into_id.is_(None))) or 0
    clients = session.scalars(
        select(Client)
        .where(Client.id > after, Client.merged_into_id.is_(None))
        .options(
            selectinload(Client.people),
            selectinload(Client.contact_points),
            selectinload(Client.extra_values).joinedload(ExtraValue.field),
        )
        .order_by(Client.id)
        .limit(AT_ONCE)
    ).all()
    country = office_country()
    for client in clients:
        for point in client.contact_points:
            if point.kind in TELEPHONES and not point.normal:
                point.normal = keys.normal_contact(point.kind, point.value, country)
    if clients:
        match.index_all(session, clients)
        job.facts = {**job.facts, "after": clients[-1].id}
        job.done += len(clients)
    session.flush()
    return len(clients) == AT_ONCE

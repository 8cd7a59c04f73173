"""Cards that were merged into others: whoever still has the old id is led to the card it became."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.clients.models import Client

MOST_STEPS = 100


def lead(session: Session, client_id: int) -> int:
    """The id of the card that this one has become: its own, or at the end of a chain of merges, the survivor's."""
    for _step in range(MOST_STEPS):
        into = session.scalar(select(Client.merged_into_id).where(Client.id == client_id))
        if into is None:
            break
        client_id = into
    return client_id


def living() -> ColumnElement[bool]:
    """The condition that a card was not merged into another."""
    return Client.merged_into_id.is_(None)


def for_keeps(session: Session, client: Client | None) -> Client | None:
    """The living card, that nobody merges before this transaction ends: for those who hang something on it.

    A merge that is under way is waited for.
    """
    while client is not None:
        lock = {"read": True, "key_share": True}
        session.refresh(client, ["merged_into_id"], with_for_update=lock)
        if client.merged_into_id is None:
            break
        client = session.get(Client, client.merged_into_id)
    return client

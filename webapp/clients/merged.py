"""Cards that were merged into others: whoever still has the old id is led to the card it became."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.clients.models import Client

MOST_STEPS = 100


def lead(session: Session, client_id: int, keep: bool = False) -> int:
    """The id of the card that this one has become: its own, or at the end of a chain of merges, the survivor's.

    `keep`: for those who change it. A merge that is under way is waited for, and none begins before the commit.
    """
    for _step in range(MOST_STEPS):
        query = select(Client.merged_into_id).where(Client.id == client_id)
        # Not a full lock: a call that comes in for the card must not wait for somebody who types.
        into = session.scalar(query.with_for_update(key_share=True) if keep else query)
        if into is None:
            break
        client_id = into
    return client_id


def living() -> ColumnElement[bool]:
    """The condition that a card was not merged into another."""
    return Client.merged_into_id.is_(None)


def for_keeps(session: Session, client: Client | None) -> Client | None:
    """The living card, which nobody merges before the commit: for those who hang something on it unasked.

    A merge that is under way is waited for; others who do the same are not.
    """
    while client is not None:
        session.refresh(client, ["merged_into_id"], with_for_update={"read": True, "key_share": True})
        if client.merged_into_id is None:
            break
        client = session.get(Client, client.merged_into_id)
    return client

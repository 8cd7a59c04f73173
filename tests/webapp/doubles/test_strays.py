"""A row that was hung on a card in the moment of its merge follows to the survivor."""

from __future__ import annotations

from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.clients.conftest import make_card as make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.changes import Author
from webapp.doubles import merging, strays, undoing
from webapp.doubles.choices import LEFT
from webapp.doubles.merging import Wish
from webapp.tasks.models import Task


def test_a_row_hung_on_a_merged_card_follows(
    session: Session, office: dict[str, User], make_card: Maker, clock: Clock
) -> None:
    first, second = make_card("Rassvet", ("+7 495 000-11-22",)), make_card("Rassvet LLC", ("+7 495 000-11-22",))
    author = Author(office["head"], clock(), "merge", "same phone")
    row = merging.merge(session, first.id, second.id, Wish(survivor=LEFT), author)
    late = Task(kind="promise", client_id=second.id, due_at=clock(), created_at=clock())
    own = Task(kind="promise", client_id=first.id, due_at=clock(), created_at=clock())
    session.add_all([late, own])
    session.commit()
    assert strays.gather(session, clock.move(minutes=1)) == 1
    session.expire_all()
    assert (late.client_id, own.client_id) == (first.id, first.id)
    assert strays.gather(session, clock.move(minutes=1)) == 0
    undoing.undo(session, row, Author(office["head"], clock(), "undo"))
    late.client_id = second.id
    session.flush()
    assert strays.gather(session, clock()) == 0, "after the undo the card is its own again"

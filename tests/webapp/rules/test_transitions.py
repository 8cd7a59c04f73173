"""What may become what: the head's grid, and the default where he has set nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import cards
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import CardChange
from webapp.deals import stages
from webapp.office.models import ClientStatus
from webapp.rules import transitions
from webapp.rules.models import Transition


@pytest.fixture
def statuses(session: Session, office: dict[str, User]) -> list[str]:
    """The keys of the four statuses from first to last."""
    return transitions.order(session, "status")


def may(session: Session, grid: str, keys: Sequence[str]) -> set[tuple[str, str]]:
    return {(one, two) for one in keys for two in keys if one != two and transitions.allowed(session, grid, one, two)}


def test_by_default_only_forward(session: Session, statuses: list[str]) -> None:
    a, b, c, d = statuses
    assert may(session, "status", ["", *statuses]) == {
        ("", a), ("", b), ("", c), ("", d), (a, b), (a, c), (a, d), (b, c), (b, d), (c, d)
    }  # fmt: skip
    assert may(session, "stage", ["found", "invoice", "won", "lost"]) == {
        ("found", "invoice"), ("found", "won"), ("found", "lost"), ("invoice", "won"), ("invoice", "lost")
    }  # fmt: skip


def test_the_head_sets_cells(session: Session, statuses: list[str]) -> None:
    a, b, c, d = statuses
    session.add_all(
        [
            Transition(grid="status", before=a, after=d, allowed=False),
            Transition(grid="status", before=d, after=a, allowed=True),
            Transition(grid="stage", before="lost", after="found", allowed=True),
        ]
    )
    session.flush()
    assert not transitions.allowed(session, "status", a, d)
    assert transitions.allowed(session, "status", d, a)
    assert transitions.allowed(session, "stage", "lost", "found")
    steps = transitions.steps(session, "status")
    assert steps == {"": [a, b, c, d], a: [b, c], b: [c, d], c: [d], d: [a]}
    for before, onward in steps.items():
        assert onward == [
            key for key in statuses if key != before and transitions.allowed(session, "status", before, key)
        ]


def test_a_new_status_follows_the_default(session: Session, statuses: list[str]) -> None:
    late = ClientStatus(names={"en": "Partner"}, rank=9)
    session.add(late)
    session.flush()
    assert transitions.allowed(session, "status", statuses[-1], str(late.id))
    assert not transitions.allowed(session, "status", str(late.id), statuses[-1])


def test_every_way_to_a_status_asks_the_grid(
    session: Session, statuses: list[str], make_card: Maker, office: dict[str, User], clock: Clock
) -> None:
    card = make_card("Rassvet")
    anna, head = office["anna"], office["head"]

    def become(status: str, user: User | None, why: str = "", source: str = "form") -> None:
        cards.update_field(session, card, None, "status", status, Author(user, clock(), source, why), "RU")

    become(statuses[2], anna)
    for user, source in ((anna, "form"), (anna, "import"), (anna, "api"), (None, "merge")):
        with pytest.raises(BadValue) as refused:
            become(statuses[0], user, "I want it", source)
        assert not isinstance(refused.value, transitions.ReasonNeeded)
    with pytest.raises(transitions.ReasonNeeded):
        become("", head, "  ")
    assert str(card.status_id) == statuses[2]
    become("", head, "Never was one")
    assert card.status_id is None
    noted = session.scalars(select(CardChange).where(CardChange.field == "status").order_by(CardChange.id)).all()
    assert [(one.old, one.new, one.why) for one in noted] == [("", "Active", ""), ("Active", "", "Never was one")]


def test_a_deal_is_taken_up_again_by_the_head(
    session: Session, make_card: Maker, office: dict[str, User], clock: Clock
) -> None:
    deal = stages.open_deal(session, make_card("Rassvet"), "Doors", Author(office["anna"], clock()))
    stages.move(session, deal, "lost", Author(office["anna"], clock()))
    with pytest.raises(BadValue):
        stages.move(session, deal, "found", Author(office["anna"], clock(), why="please"))
    with pytest.raises(transitions.ReasonNeeded):
        stages.move(session, deal, "found", Author(office["head"], clock()))
    stages.move(session, deal, "found", Author(office["head"], clock(), why="They rang again"))
    assert (deal.stage, deal.ended_at) == ("found", None)

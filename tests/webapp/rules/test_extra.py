"""Extra fields hold what fits them, write down their changes, and bring their card to light in the search box."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import cards, fields, listing
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import CardChange, Client
from webapp.rules import extra
from webapp.rules.models import ExtraField


@pytest.fixture
def own(session: Session, office: dict[str, User]) -> dict[str, ExtraField]:
    """A field of each kind, by its key."""
    found = {
        "storeys": ExtraField(
            key="storeys", names={"en": "Storeys"}, kind="number", prompts={"en": "How many storeys?"}
        ),
        "visited": ExtraField(key="visited", names={"en": "Visited on"}, kind="date", rank=1),
        "glass": ExtraField(key="glass", names={"en": "Glass"}, kind="list", choices=["Clear", "Матовое"], rank=2),
        "fair": ExtraField(key="fair", names={"en": "Met at a fair"}, kind="yes_no", rank=3),
        "tender": ExtraField(key="tender", names={"en": "Tender", "ru": "Тендер"}, kind="text", rank=4),
        "old": ExtraField(key="old", names={"en": "Old"}, kind="text", active=False),
    }
    session.add_all(found.values())
    session.commit()
    return found


def put(session: Session, card: Client, key: str, text: str, author: Author) -> None:
    cards.update_field(session, card, None, f"extra:{key}", text, author, "RU")


@pytest.mark.parametrize(
    "key, typed, kept, shown",
    [
        ("storeys", " 12 500,50 ", "12500.5", "12,500.5"),
        ("visited", "10.03.2026", "2026-03-10", "10 Mar 2026"),
        ("glass", "матовое", "Матовое", "Матовое"),
        ("fair", "да", "yes", "Yes"),
        ("fair", "No", "no", "No"),
        ("tender", "  № 5\n of  spring", "№ 5 of spring", "№ 5 of spring"),
    ],
)
def test_a_value_is_kept_and_shown(
    session: Session, own: dict[str, ExtraField], make_card: Maker, office: dict[str, User], clock: Clock,
    key: str, typed: str, kept: str, shown: str,
) -> None:  # fmt: skip
    card, author = make_card("Rassvet"), Author(office["anna"], clock())
    put(session, card, key, typed, author)
    assert extra.values(card) == {key: kept}
    assert extra.shown(own[key], kept) == shown
    put(session, card, key, shown, author)
    assert extra.values(card) == {key: kept}
    put(session, card, key, "", author)
    assert extra.values(card) == {}
    noted = session.scalars(select(CardChange).where(CardChange.field == f"extra:{key}").order_by(CardChange.id)).all()
    assert [(one.old, one.new) for one in noted] == [("", shown), (shown, "")]


@pytest.mark.parametrize(
    "key, typed",
    [("storeys", "many"), ("visited", "31.02.2026"), ("glass", "Blue"), ("fair", "perhaps"), ("tender", "x" * 401)],
)
def test_what_does_not_fit_is_refused(
    session: Session, own: dict[str, ExtraField], make_card: Maker, clock: Clock, key: str, typed: str
) -> None:
    card = make_card("Rassvet")
    with pytest.raises(BadValue):
        put(session, card, key, typed, Author(None, clock()))
    assert extra.values(card) == {}
    with pytest.raises(KeyError):
        put(session, card, "shoe_size", "1", Author(None, clock()))


@pytest.mark.parametrize(
    "key, typed, asked",
    [
        ("storeys", "12500.5", ["12 500,5", "12500.50", "12500.5"]),
        ("storeys", "7", ["7"]),
        ("visited", "2026-03-10", ["10.03.2026", "10/3/26", "2026-03-10"]),
        ("glass", "Матовое", ["матов", "Matovoe", "Rassvet матовое"]),
        ("tender", "Осенний тендер", ["тендер", "осенн"]),
    ],
)
def test_the_search_box_finds_values(
    session: Session, own: dict[str, ExtraField], make_card: Maker, clock: Clock,
    key: str, typed: str, asked: list[str],
) -> None:  # fmt: skip
    card = make_card("Rassvet")
    make_card("Zakat", ("+7 495 111-10-10",))
    put(session, card, key, typed, Author(None, clock()))
    for text in asked:
        assert [one.id for one in listing.page(session, listing.Asked(text), 1, "RU").clients] == [card.id], text
    put(session, card, key, "", Author(None, clock()))
    assert card.id not in [one.id for one in listing.page(session, listing.Asked(asked[0]), 1, "RU").clients]


def test_they_are_asked_after_the_organisation(
    session: Session, own: dict[str, ExtraField], make_card: Maker, clock: Clock
) -> None:
    asked = [field.name for field in fields.asked(session)]
    place = asked.index("channel")
    assert asked[place + 1 : place + 6] == [f"extra:{key}" for key in ("storeys", "visited", "glass", "fair", "tender")]
    assert "extra:old" not in asked
    card = make_card("Rassvet")
    seen = []
    while (field := fields.next_missing(session, card, card.people[0] if card.people else None)) is not None:
        seen.append(field.name)
        channels = {"channel": "Website", "extra:storeys": "5"}
        person = card.people[0] if card.people else None
        fields.fill(session, card, person, field.name, channels.get(field.name, "0 0"), Author(None, clock()), "RU")
    assert seen.index("extra:storeys") == seen.index("channel") + 1
    assert "extra:visited" not in seen  # nobody asks for it


def test_a_retired_field_stays_on_the_cards_that_have_it(
    session: Session, own: dict[str, ExtraField], make_card: Maker, clock: Clock
) -> None:
    card = make_card("Rassvet")
    assert [field.key for field in extra.of_card(session, card)][-1] == "tender"
    put(session, card, "old", "kept", Author(None, clock()))
    assert [field.key for field in extra.of_card(session, card)][-1] == "old"


def test_a_new_card_may_bring_values(
    session: Session, own: dict[str, ExtraField], office: dict[str, User], clock: Clock
) -> None:
    author = Author(office["anna"], clock())
    card = cards.create(session, {"name": "Rassvet", "extra:storeys": "4,5", "extra:fair": ""}, author, "RU")
    assert extra.values(card) == {"storeys": "4.5"}
    assert [one.id for one in listing.page(session, listing.Asked("4,5"), 1, "RU").clients] == [card.id]
    with pytest.raises(cards.BadCard) as bad:
        cards.create(session, {"name": "Rassvet", "extra:storeys": "many"}, author, "RU")
    assert set(bad.value.errors) == {"extra:storeys"}

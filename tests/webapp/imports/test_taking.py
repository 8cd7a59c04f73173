"""Lists become cards: nothing is lost, made twice or written over."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.webapp.clients.conftest import Maker
from tests.webapp.imports.conftest import HEADERS, ROWS, Desk, as_csv, as_xlsx
from webapp.accounts.models import User
from webapp.clients import match
from webapp.clients.models import CardChange, Client, ContactPoint, MatchKey, PairVerdict
from webapp.db import db
from webapp.imports import reasons
from webapp.rules.models import ExtraField

LIST = (HEADERS, *ROWS)


def cards() -> list[str]:
    return list(db.session.scalars(select(Client.name).order_by(Client.id)))


@pytest.mark.parametrize("body", [as_csv(LIST, "cp1251"), as_csv(LIST, "utf-16"), as_xlsx(LIST)])
def test_a_list_becomes_cards_with_everything_on_them(desk: Desk, office: dict[str, User], body: bytes) -> None:
    name = "list.xlsx" if body.startswith(b"PK") else "list.csv"
    import_ = desk.take_in(body, name, owner=office["anna"].id)
    assert import_.counts == {"new": 3, "marked": 1}
    assert (import_.state, import_.file) == ("done", "")
    assert cards() == ["ООО «Рассвет»", "ЗАО Гранит", "Базальт"]
    rassvet, granit, bazalt = db.session.scalars(select(Client).order_by(Client.id))
    assert [person.full_name for person in rassvet.people] == ["Орлов Павел Ильич"]
    assert [(one.kind, one.value, one.normal) for one in granit.contact_points] == [
        ("phone", "8 (495) 765-43-21", "+74957654321"),
        ("email", "ivan@granit.example", "ivan@granit.example"),
    ]
    assert [(one.value, one.normal) for one in bazalt.contact_points] == [("звоните позже", "")]
    assert granit.contact_points[0].person is granit.people[0]
    assert rassvet.owner is not None and rassvet.owner.login == "anna"
    changes = db.session.scalars(select(CardChange).where(CardChange.client_id == rassvet.id)).all()
    assert [(one.field, one.new, one.source) for one in changes] == [("card", "ООО «Рассвет»", "import")]


def test_cards_from_a_list_have_the_keys_of_cards(desk: Desk) -> None:
    fields = {"glass": "text", "since": "date", "floors": "number"}
    db.session.add_all(ExtraField(key=key, names={"en": key.title()}, kind=kind) for key, kind in fields.items())
    db.session.commit()
    rows = [(*LIST[0], "Glass", "Since", "Floors"), *[(*row, "Стекло", "10.03.2026", "12,5") for row in LIST[1:]]]
    desk.take_in(as_csv(rows), c4="extra:glass", c5="extra:since", c6="extra:floors")
    found = db.session.scalars(select(MatchKey.key).where(MatchKey.kind == "extra")).all()
    assert set(found) == {"2026-03-10", "12.5"}
    for client in db.session.scalars(select(Client)):
        rows = {(row["kind"], row["key"], row["whole"]) for row in match.key_rows(client)}
        kept = db.session.execute(
            select(MatchKey.kind, MatchKey.key, MatchKey.whole).where(MatchKey.client_id == client.id)
        )
        assert rows == set(kept.tuples())


def test_the_same_list_again_adds_nothing(desk: Desk) -> None:
    desk.take_in(as_csv(LIST, "cp1251"))
    before = [
        db.session.scalar(select(func.count()).select_from(model)) for model in (Client, ContactPoint, CardChange)
    ]
    again = desk.take_in(as_xlsx([(mail, phone, who, firm) for firm, who, phone, mail in LIST]), "list.xlsx")
    assert again.counts == {"matched": 3}
    assert before == [
        db.session.scalar(select(func.count()).select_from(model)) for model in (Client, ContactPoint, CardChange)
    ]


def test_a_known_card_gets_what_it_lacks_and_keeps_what_it_has(desk: Desk, make_card: Maker) -> None:
    card = make_card("Рассвет", ("+7 495 123-45-67",), surname="Орлов", product="окна")
    card_id = card.id
    rows = [
        ("Компания", "Контакт", "Телефон", "Почта", "Товар", "Сайт"),
        ("Рассвет ООО", "Орлов Павел", "8 495 123 45 67", "p@rassvet.example", "двери", "rassvet.example"),
        ("Рассвет", "Зимина Анна", "+7 495 123-45-67, +7 495 123-45-68", "", "", ""),
    ]
    import_ = desk.take_in(as_csv(rows))
    assert import_.counts == {"matched": 2}
    client = db.session.get_one(Client, card_id)
    assert (client.name, client.product, client.website) == ("Рассвет", "окна", "rassvet.example")
    assert [person.full_name for person in client.people] == ["Орлов Павел", "Зимина Анна"]
    assert [one.value for one in client.contact_points] == ["+7 495 123-45-67", "p@rassvet.example", "+7 495 123-45-68"]
    fields = set(db.session.scalars(select(CardChange.field).where(CardChange.source == "import")))
    assert fields == {"website", "given_name", "email", "person", "phone"}


def test_rows_of_one_list_that_are_one_client_become_one_card(desk: Desk) -> None:
    rassvet = (("Рассвет", f"Орлов{'а' * n} Павел", "+7 495 123-45-67", "") for n in range(3))
    rows = [HEADERS, *rassvet, *[("Закат", "", "", "a@zakat.example")] * 2]
    assert desk.take_in(as_csv(rows)).counts["new"] == 2
    assert cards() == ["Рассвет", "Закат"]


def test_a_doubtful_row_waits_for_a_person(desk: Desk, make_card: Maker) -> None:
    for name in ("Рассвет", "Закат", "Восход"):
        make_card(name)
    rows = [HEADERS, *((name, "", phone, "") for name, phone in (
        ("Рассвет", "+7 495 111-22-33"), ("Закат", "+7 495 111-22-44"), ("Восход", "+7 495 111-22-55"),
    ))]  # fmt: skip
    import_id = desk.brought(as_csv(rows))
    import_ = desk.look_through(import_id)
    assert import_.counts == {"doubtful": 3}
    for row, verdict in zip(desk.rows(import_id, "doubtful"), ("same", "another", "skip"), strict=True):
        answer = desk.client.post(f"/clients/imports/{import_id}/rows/{row.id}", data={"verdict": verdict})
        assert answer.status_code == 200
    assert desk.run(import_id).counts == {"matched": 1, "new": 1, "refused": 1}
    assert cards() == ["Рассвет", "Закат", "Восход", "Закат"]
    first = db.session.scalars(select(Client).order_by(Client.id)).first()
    assert first and [one.value for one in first.contact_points] == ["+7 495 111-22-33"]
    assert db.session.scalars(select(PairVerdict.verdict)).all() == ["other"]
    assert [reasons.read(row.reason)["kind"] for row in desk.rows(import_id, "refused")] == ["skip"]


def test_a_doubtful_row_is_decided_after_the_run(desk: Desk, make_card: Maker) -> None:
    make_card("Рассвет")
    make_card("Рассвет", ("+7 495 999-99-99",))
    import_ = desk.take_in(as_csv([HEADERS, ("Рассвет", "", "+7 495 111-22-33", "")]))
    assert import_.counts["doubtful"] == 1
    import_id = import_.id
    for _turn, left in enumerate((1, 0)):  # not the one, nor the other
        (row,) = desk.rows(import_id, "doubtful")
        answer = desk.client.post(f"/clients/imports/{import_id}/rows/{row.id}", data={"verdict": "another"})
        assert answer.status_code == 200
        db.session.remove()
        assert desk.list(import_id).counts["doubtful"] == left
    assert cards() == ["Рассвет", "Рассвет", "Рассвет"]
    assert desk.list(import_id).counts["new"] == 1

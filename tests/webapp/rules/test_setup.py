"""The head adds fields of his own: none named like another, none that loses a value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import fields, listing
from webapp.clients.changes import Author
from webapp.jobs import work
from webapp.jobs.models import Job
from webapp.rules import extra, renaming
from webapp.rules.models import ExtraField

SignIn = Callable[[str], FlaskClient]
PAGE = "/settings/extra-fields"


def add(head: FlaskClient, **typed: str) -> int:
    data = {f"{name.replace('_', '-')}": value for name, value in typed.items()}
    return head.post(PAGE, data={"kind": "text", **data}).status_code


def own(session: Session) -> list[ExtraField]:
    session.expire_all()
    return list(session.scalars(select(ExtraField).order_by(ExtraField.rank, ExtraField.id)))


@pytest.mark.parametrize("address", [PAGE, "/settings/steps/status", "/settings/steps/stage", "/settings/categories"])
def test_the_rules_are_the_heads(sign_in: SignIn, address: str) -> None:
    assert sign_in("head").get(address).status_code == 200
    for login in ("anna", "admin", "secretary"):
        assert sign_in(login).get(address).status_code == 403
        assert sign_in(login).post(address).status_code == 403


@pytest.mark.parametrize("address", [f"{PAGE}?field=9", f"{PAGE}/9", f"{PAGE}/9/up", "/settings/steps/shoes"])
def test_what_is_not_there(sign_in: SignIn, address: str) -> None:
    head = sign_in("head")
    assert (head.get(address) if "?" in address else head.post(address)).status_code == 404


def test_a_field_of_each_kind_is_added(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    assert add(head, name_ru="Этажей в доме", prompt_ru="Сколько этажей?", kind="number") == 303
    assert add(head, name_en="Storeys", name_ru="Этажи", kind="list", more="one\n two \n\nthree") == 303
    page = head.get(PAGE).get_data(as_text=True)
    assert "Этажей в доме" in page and "one, two, three" in page
    first, second = own(session)
    assert (first.key, first.kind, first.prompts) == ("etazhey_v_dome", "number", {"ru": "Сколько этажей?"})
    assert (second.key, second.choices, second.names) == (
        "storeys",
        ["one", "two", "three"],
        {"en": "Storeys", "ru": "Этажи"},
    )
    assert [field.name for field in fields.asked(session) if field.name.startswith("extra:")] == [
        "extra:etazhey_v_dome", "extra:storeys",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["Company", "компания", " PHONE ", "e-mail", "E mail", "Телефон", "owner", "owner_id", "Status",
             "Категория", "created_at", "note", "What it does", "deal", "name"]
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_field_is_named_like_a_built_in_one(sign_in: SignIn, session: Session, name: str, language: str) -> None:
    answer = sign_in("head").post(PAGE, data={f"name-{language}": name, "prompt-en": "Which?", "kind": "text"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "already" in page and "Which?" in page and name.strip() in page
    assert own(session) == []


def test_no_two_fields_have_one_name(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    assert add(head, name_en="Storeys", name_ru="Этажи") == 303
    assert add(head, name_en="storeys") == 422
    assert add(head, name_en="Floors", name_ru="ЭТАЖИ") == 422
    assert add(head, name_en="Störeys") == 303
    assert [one.key for one in own(session)] == ["storeys", "storeys_2"]
    one = own(session)[0]
    assert head.post(f"{PAGE}/{one.id}", data={"name-en": "Storeys", "name-ru": "Этажей"}).status_code == 303
    assert own(session)[0].names == {"en": "Storeys", "ru": "Этажей"}


@pytest.mark.parametrize(
    "data, why",
    [
        ({}, "needs a name"),
        ({"name-en": "x" * 61}, "At most 60"),
        ({"name-en": "Glass", "prompt-ru": "x" * 201}, "At most 200"),
        ({"name-en": "Glass", "kind": "colour"}, "Choose one"),
        ({"name-en": "—"}, "letters"),
        ({"name-en": "Glass", "kind": "list"}, "something to choose"),
        ({"name-en": "Glass", "kind": "list", "more": "a\nA"}, "in the list already"),
        ({"name-en": "Glass", "kind": "list", "more": "x" * 81}, "At most 80"),
        ({"name-en": "Glass", "kind": "list", "more": "\n".join(map(str, range(201)))}, "At most 200 choices"),
    ],
)
def test_what_can_not_be_made_is_said_beside_it(
    sign_in: SignIn, session: Session, data: dict[str, str], why: str
) -> None:
    answer = sign_in("head").post(PAGE, data={"kind": "text", **data})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and why in page
    for typed in data.values():
        assert all(line in page for line in typed.split("\n")) or typed == "colour"
    assert own(session) == []


def test_fields_move_retire_and_come_back(sign_in: SignIn, session: Session, make_card: Maker, clock: Clock) -> None:
    head = sign_in("head")
    for name in ("One", "Two", "Three"):
        add(head, name_en=name)
    one, two, three = own(session)
    head.post(f"{PAGE}/{three.id}/up")
    head.post(f"{PAGE}/{one.id}/up")
    assert [field.key for field in extra.fields(session)] == ["one", "three", "two"]
    card = make_card("Rassvet")
    extra.put(session, card, two, "kept", Author(None, clock()))
    session.commit()
    head.post(f"{PAGE}/{two.id}/retire")
    head.post(f"{PAGE}/{one.id}/retire")  # nobody has one: it goes
    assert [(field.key, field.active) for field in own(session)] == [("three", True), ("two", False)]
    assert "kept" in head.get(f"/clients/{card.id}").get_data(as_text=True)
    head.post(f"{PAGE}/{two.id}/restore")
    assert [field.key for field in extra.fields(session)] == ["three", "two"]


@pytest.fixture
def glass(session: Session, office: dict[str, User]) -> ExtraField:
    field = ExtraField(key="glass", names={"en": "Glass"}, kind="list", choices=["Clear", "Frosted", "Tinted"])
    session.add(field)
    session.commit()
    return field


def save(head: FlaskClient, field: ExtraField, was: list[str], choice: list[str], more: str = "") -> int:
    data = {"name-en": "Glass", "was": was, "choice": choice, "more": more}
    return head.post(f"{PAGE}/{field.id}", data=data).status_code


def test_a_renamed_choice_takes_its_values_along(
    sign_in: SignIn, session: Session, make_card: Maker, glass: ExtraField, clock: Clock
) -> None:
    cards = [make_card(f"Rassvet {number}") for number in range(3)]
    for card, choice in zip(cards, ("Clear", "Clear", "Tinted"), strict=True):
        fields.fill(session, card, None, "extra:glass", choice, Author(None, clock()), "RU")
    session.commit()
    head, before = sign_in("head"), ["Clear", "Frosted", "Tinted"]
    assert save(head, glass, before, ["Прозрачное", "Frosted", "Tinted"], "Mirror") == 303
    session.expire_all()
    assert glass.choices == ["Прозрачное", "Frosted", "Tinted", "Mirror"]
    assert [extra.values(card)["glass"] for card in cards] == ["Прозрачное", "Прозрачное", "Tinted"]
    assert len(listing.search(session, "прозрачн", "RU")) == 2
    assert not listing.search(session, "Clear", "RU")


def test_a_choice_that_a_card_has_stays(
    sign_in: SignIn, session: Session, make_card: Maker, glass: ExtraField, clock: Clock
) -> None:
    fields.fill(session, make_card("Rassvet"), None, "extra:glass", "Clear", Author(None, clock()), "RU")
    session.commit()
    head, before = sign_in("head"), ["Clear", "Frosted", "Tinted"]
    assert save(head, glass, before, ["", "Frosted", "Tinted"]) == 422
    assert save(head, glass, before, ["Frosted", "Clear", "Tinted"]) == 422
    assert save(head, glass, ["Clear"], ["Clear"]) == 422  # of a page that is old
    assert save(head, glass, [*before, "Blue"], [*before, "Blue"]) == 422
    assert save(head, glass, before, ["Clear", "", "Tinted"]) == 303
    session.expire_all()
    assert glass.choices == ["Clear", "Tinted"]


def test_many_values_are_renamed_by_the_worker(
    sign_in: SignIn,
    session: Session,
    make_card: Maker,
    glass: ExtraField,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(renaming, "AT_ONCE", 2)
    cards = [make_card(f"Rassvet {number}") for number in range(5)]
    for card in cards:
        fields.fill(session, card, None, "extra:glass", "Clear", Author(None, clock()), "RU")
    session.commit()
    head = sign_in("head")
    assert save(head, glass, ["Clear", "Frosted", "Tinted"], ["Plain", "Frosted", "Tinted"]) == 303
    session.expire_all()
    job = session.scalars(select(Job)).one()
    assert job.total == 3 and 'class="job"' in head.get(PAGE).get_data(as_text=True)
    job_id = job.id
    assert work.claim(session, clock()) is not None
    session.commit()
    while work.carry_on(session, job_id, clock()):
        pass
    session.expire_all()
    assert (job.state, job.done) == ("done", 3)
    assert {extra.values(card)["glass"] for card in cards} == {"Plain"}

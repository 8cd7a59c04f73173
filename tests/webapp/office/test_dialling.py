"""Whom each role may call: nobody, until a rule that opens no country says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.office import dialling
from webapp.office.models import DialRule

SignIn = Callable[[str], FlaskClient]


def patterns(session: Session) -> list[tuple[str, str]]:
    session.expire_all()
    return [(rule.role, rule.pattern) for rule in dialling.rules(session)]


@pytest.fixture
def allow(session: Session, office: dict[str, User]) -> Callable[..., None]:
    """`allow(Role.MANAGER, "+7495*")`."""

    def add(role: Role, *typed: str) -> None:
        for one in typed:
            dialling.add(session, role, one)
        session.commit()

    return add


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+7495xxxxxxx", "+7495xxxxxxx"),
        (" +7 (495) 123-xx-xx ", "+7495123xxxx"),
        ("+7495\u0425\u0445\u0425\u0425\u0425\u0425\u0425", "+7495xxxxxxx"),  # Cyrillic letters
        ("+4420*", "+4420*"),
        ("+35312*", "+35312*"),
        ("+74951234567", "+74951234567"),
    ],
)
def test_a_pattern_is_kept_tidy(app: Flask, typed: str, kept: str) -> None:
    assert dialling.tidy(typed) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write +"),
        ("*", "Write +"),
        ("x*", "Write +"),
        ("84951234567", "Write +"),
        ("112", "Write +"),
        ("sip:anna@host", "Write +"),
        ("+7495*5", "Write +"),
        ("+7495**", "Write +"),
        ("+\uff17495*", "Write +"),
        ("+", "every number in the world"),
        ("+*", "every number in the world"),
        ("+x*", "every number in the world"),
        ("+xx95xxxxxxx", "every number in the world"),
        ("+3*", "several countries"),
        ("+7*", "nearly every number of a country"),
        ("+74xxxxxxxxx", "nearly every number of a country"),
        ("+3531*", "nearly every number of a country"),
        ("+1xxxxxxxxxx", "nearly every number of a country"),
        ("+881612*", "is no country"),
        ("+97912345678", "is no country"),
        ("+999123456", "No country has a number"),
        ("+7495", "so short"),
        ("+749512345678901x", "more than 15 digits"),
        ("+7495" + "x" * 60, "more than 15 digits"),
    ],
)
def test_a_pattern_that_would_allow_too_much_is_refused_with_the_reason(app: Flask, typed: str, said: str) -> None:
    with pytest.raises(dialling.BadPattern) as refused:
        dialling.tidy(typed)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("+7495xxxxxxx", "+74951234567", True),
        ("+7495xxxxxxx", "+7495123456", False),
        ("+7495xxxxxxx", "+749512345678", False),
        ("+7495*", "+7495", True),
        ("+7495*", "+74991234567", False),
        ("+7495*", "x+74951234567", False),
        ("+7495*", "+74951234567\n", False),
    ],
)
def test_a_number_fits_a_pattern_or_not(pattern: str, number: str, fits: bool) -> None:
    assert dialling.matches(pattern, number) is fits


def test_without_a_rule_nobody_calls_and_a_rule_is_for_one_role(
    session: Session, office: dict[str, User], allow: Callable[..., None]
) -> None:
    anna, agent = office["anna"], office["agent"]
    assert not dialling.may_dial(session, anna, "+74951234567")
    assert "not allowed for your role" in dialling.of(session, anna).why_not("+74951234567")
    allow(Role.MANAGER, "+7495*")
    assert dialling.may_dial(session, anna, "+74951234567")
    assert not dialling.may_dial(session, agent, "+74951234567")
    assert "may not call this number" in dialling.of(session, anna).why_not("+442071838750")


@pytest.mark.parametrize("number", ["", "112", "103", "1234567", "sip:anna@host", "+7", "+7495123456\r", "hidden"])
def test_what_is_no_full_number_is_never_called(
    session: Session, office: dict[str, User], allow: Callable[..., None], number: str
) -> None:
    allow(Role.MANAGER, "+7495*", "+7112*")
    assert not dialling.may_dial(session, office["anna"], number)


def test_a_premium_number_is_called_only_when_named_in_full(
    session: Session, office: dict[str, User], allow: Callable[..., None]
) -> None:
    allow(Role.MANAGER, "+7809*")
    assert "premium" in dialling.of(session, office["anna"]).why_not("+78091234567")
    allow(Role.HEAD, "+78091234567")
    assert dialling.may_dial(session, office["head"], "+78091234567")


def test_head_and_administrator_add_and_delete_rules(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    empty = head.get("/settings/calling-out").get_data(as_text=True)
    assert "Nobody may call out from here yet" in empty
    assert head.post("/settings/calling-out", data={"role": "manager", "pattern": "+7 495 *"}).status_code == 303
    admin = sign_in("admin")
    assert admin.post("/settings/calling-out", data={"role": "head", "pattern": "+4420xxxxxxxx"}).status_code == 303
    page = admin.get("/settings/calling-out").get_data(as_text=True)
    assert "+7495*" in page and "+4420xxxxxxxx" in page and "May call nobody: Agent, Secretary, Expert." in page
    assert "/settings/lines" not in page  # the administrator sees no tab that is not his
    rule = session.scalars(select(DialRule).where(DialRule.role == "manager")).one()
    assert head.post(f"/settings/calling-out/{rule.id}/delete").status_code == 303
    assert patterns(session) == [("head", "+4420xxxxxxxx")]
    assert head.post(f"/settings/calling-out/{rule.id}/delete").status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"role": "manager", "pattern": "+*"}, "every number in the world"),
        ({"role": "manager", "pattern": ""}, "Type the numbers"),
        ({"role": "manager", "pattern": "+7495xxxxxxx"}, "has this rule already"),
        ({"role": "manager", "pattern": "+7812123*"}, "+7812* allows this already"),
        ({"role": "admin", "pattern": "+7812*"}, "Not a valid choice"),
        ({"role": "nobody", "pattern": "+7812*"}, "Not a valid choice"),
        ({}, "Type the numbers"),
    ],
)
def test_a_bad_rule_is_refused_and_nothing_changes(
    sign_in: SignIn, session: Session, allow: Callable[..., None], form: dict[str, str], said: str
) -> None:
    allow(Role.MANAGER, "+7495xxxxxxx", "+7812*")
    before = patterns(session)
    answer = sign_in("head").post("/settings/calling-out", data=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and said in text
    if form.get("pattern"):
        assert f'value="{form["pattern"]}"' in text
    assert patterns(session) == before


def test_others_are_kept_out(app: Flask, sign_in: SignIn, session: Session, allow: Callable[..., None]) -> None:
    allow(Role.MANAGER, "+7495*")
    stranger, anna = app.test_client(), sign_in("anna")
    for path in ("/settings/calling-out", "/settings/calling-out/1/delete"):
        assert "/login" in stranger.post(path).headers["Location"]
        assert anna.post(path, data={"role": "manager", "pattern": "+7812*"}).status_code == 403
    assert anna.get("/settings/calling-out").status_code == 403
    assert patterns(session) == [("manager", "+7495*")]


def test_the_list_costs_the_same_however_long_it_is(
    sign_in: SignIn, session: Session, allow: Callable[..., None], count_queries: Callable[[], int]
) -> None:
    head = sign_in("head")

    def cost() -> int:
        session.expire_all()
        before = count_queries()
        assert head.get("/settings/calling-out").status_code == 200
        return count_queries() - before

    allow(Role.MANAGER, "+7495*")
    few = cost()
    allow(Role.MANAGER, *(f"+7{area}*" for area in range(811, 840)))
    assert cost() == few <= 5

"""Users, kept by the administrator: added, changed, deactivated; passwords shown once and stored nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.conftest import PASSWORD
from webapp.accounts.models import Role, User
from webapp.feed import Feed
from webapp.office import dialling
from webapp.office.models import Line

SignIn = Callable[[str], FlaskClient]


def details(**more: str) -> dict[str, str]:
    return {"name": "Olga Serova", "login": "olga", "position": "", "role": "manager", "region_id": "0"} | more


def password_on(text: str) -> str:
    found = re.search(r"<code>([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4})</code>", text)
    assert found, "a password should be on the page"
    return found[1]


def test_the_administrator_edits_and_the_head_reads(sign_in: SignIn) -> None:
    admin = sign_in("admin").get("/users").get_data(as_text=True)
    assert "Anna Petrova" in admin and "Deactivate" in admin
    head = sign_in("head").get("/users")
    assert head.status_code == 200
    text = head.get_data(as_text=True)
    assert "Anna Petrova" in text and "Deactivate" not in text and "New user" not in text


def test_others_are_kept_out(app: Flask, sign_in: SignIn, office: dict[str, User]) -> None:
    assert "/login" in app.test_client().get("/users").headers["Location"]
    assert "/login" in app.test_client().get("/me").headers["Location"]
    assert sign_in("anna").get("/users").status_code == 403
    head = sign_in("head")
    for path in ("/users", "/users/1", "/users/1/active", "/users/1/password"):
        assert head.post(path).status_code == 403
    assert head.get("/users/1").status_code == 403


def test_an_unknown_user_is_not_found(sign_in: SignIn) -> None:
    admin = sign_in("admin")
    assert admin.get("/users/99").status_code == 404
    for path in ("/users/99", "/users/99/active", "/users/99/password"):
        assert admin.post(path).status_code == 404


def test_a_new_user_signs_in_with_the_password_shown_once(app: Flask, sign_in: SignIn, session: Session) -> None:
    admin = sign_in("admin")
    answer = admin.post("/users", data=details(login=" Olga ", extension="sip:olga@10.0.0.5", desk_phone="y"))
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    password = password_on(answer.get_data(as_text=True))
    user = session.scalars(select(User).where(User.login == "olga")).one()
    assert (user.name, user.extension, user.desk_phone) == ("Olga Serova", "sip:olga@10.0.0.5", True)
    assert password not in user.password_hash
    assert password not in admin.get("/users").get_data(as_text=True)
    assert app.test_client().post("/login", data={"login": "olga", "password": password}).status_code == 303
    assert session.scalar(select(func.count()).where(Feed.kind == "standing", Feed.user_id.is_(None))) == 1


@pytest.mark.parametrize(
    "change, words",
    [
        ({"name": "  "}, "Type the name."),
        ({"name": "x" * 121}, "At most 120 characters."),
        ({"login": "Оля"}, "Use Latin letters"),
        ({"login": "a b"}, "Use Latin letters"),
        ({"login": "ANNA"}, "This login is taken."),
        ({"role": "king"}, "Not a valid choice"),
        ({"region_id": "5"}, "Not a valid choice"),
        ({"extension": "anna"}, "Write a SIP address"),
        ({"extension": "sip:anna@10.0.0.5\r\nVia: SIP/2.0/UDP evil"}, "Write a SIP address"),
        ({"extension": "sip:anna@127.0.0.1:5999"}, "belongs to somebody else"),
        ({"extension": "sip:+79161234567@pbx.example"}, "This telephone is an outside number."),
        ({"extension": "sip:%2B79161234567@pbx.example"}, "This telephone is an outside number."),
        ({"extension": "sip:8(916)123-45-67;x=1@127.0.0.1:5070"}, "This telephone is an outside number."),
        ({"extension": "sip:0019005551234@pbx.example"}, "This telephone is an outside number."),
        ({"extension": "sip:+99999@pbx.example"}, "This telephone is an outside number."),
    ],
)
def test_a_bad_user_comes_back_with_the_reason(
    sign_in: SignIn, session: Session, change: dict[str, str], words: str
) -> None:
    answer = sign_in("admin").post("/users", data=details(position="buyer & seller") | change)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in text and "buyer &amp; seller" in text
    assert session.scalar(select(func.count()).select_from(User)) == 8


def test_a_telephone_behind_a_number_needs_the_rule_of_its_role(sign_in: SignIn, session: Session) -> None:
    """It is rung at the office's cost, like any number that is called."""
    admin, mobile = sign_in("admin"), details(extension="sip:+79161234567@pbx.example")
    dialling.add(session, Role.SECRETARY, "+7916*")
    session.commit()
    assert admin.post("/users", data=mobile).status_code == 422
    assert admin.post("/users", data=mobile | {"role": "secretary"}).status_code == 200
    user = session.scalars(select(User).where(User.login == "olga")).one()
    assert user.extension == "sip:+79161234567@pbx.example"
    assert admin.post(f"/users/{user.id}", data=mobile).status_code == 422
    for inner in ("sip:101@pbx.example", "sip:778899@provider.example", "sip:anna7916@pbx.example"):
        assert admin.post(f"/users/{user.id}", data=mobile | {"extension": inner}).status_code == 303


def test_details_are_changed(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    admin, anna = sign_in("admin"), office["anna"]
    page = admin.get(f"/users/{anna.id}").get_data(as_text=True)
    assert 'value="sip:anna@127.0.0.1:5999"' in page
    answer = admin.post(f"/users/{anna.id}", data=details(login="anna", role="expert", extension=""))
    assert answer.status_code == 303
    session.refresh(anna)
    assert (anna.name, anna.role, anna.extension, anna.desk_phone) == ("Olga Serova", "expert", "", False)
    refused = admin.post(f"/users/{anna.id}", data=details(login="boris"))
    assert refused.status_code == 422 and "This login is taken." in refused.get_data(as_text=True)


def test_the_deactivated_stay_out_and_come_back(app: Flask, sign_in: SignIn, office: dict[str, User]) -> None:
    admin, anna = sign_in("admin"), office["anna"]
    before = sign_in("anna")
    assert admin.post(f"/users/{anna.id}/active").status_code == 303
    assert "/login" in before.get("/roster").headers["Location"], "an open session ends as well"
    assert app.test_client().post("/login", data={"login": "anna", "password": PASSWORD}).status_code == 422
    taken = details(login="boris", extension="sip:anna@127.0.0.1:5999")
    assert admin.post(f"/users/{office['boris'].id}", data=taken).status_code == 303
    refused = admin.post(f"/users/{anna.id}/active")
    assert refused.status_code == 422 and "belongs to somebody else now" in refused.get_data(as_text=True)
    assert admin.post(f"/users/{office['boris'].id}", data=details(login="boris")).status_code == 303
    assert admin.post(f"/users/{anna.id}/active").status_code == 303
    assert app.test_client().post("/login", data={"login": "anna", "password": PASSWORD}).status_code == 303


def test_the_last_administrator_stays(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    admin, row = sign_in("admin"), office["admin"]
    assert "cannot deactivate yourself" in admin.post(f"/users/{row.id}/active").get_data(as_text=True)
    demoted = admin.post(f"/users/{row.id}", data=details(login="admin", role="head"))
    assert demoted.status_code == 422 and "is the only administrator" in demoted.get_data(as_text=True)
    session.refresh(row)
    assert row.active and row.role == "admin"
    office["head"].role = "admin"
    session.commit()
    assert admin.post(f"/users/{row.id}", data=details(login="admin", role="head")).status_code == 303


def test_a_new_password_replaces_the_old_one(app: Flask, sign_in: SignIn, office: dict[str, User]) -> None:
    answer = sign_in("admin").post(f"/users/{office['anna'].id}/password")
    password = password_on(answer.get_data(as_text=True))
    assert app.test_client().post("/login", data={"login": "anna", "password": PASSWORD}).status_code == 422
    assert app.test_client().post("/login", data={"login": "anna", "password": password}).status_code == 303


def test_ones_own_language_and_theme(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    anna = sign_in("anna")
    assert anna.get("/me").status_code == 200
    assert anna.post("/me", data={"language": "ru", "theme": "dark"}).status_code == 303
    session.refresh(office["anna"])
    assert (office["anna"].language, office["anna"].theme) == ("ru", "dark")
    assert 'lang="ru"' in anna.get("/me").get_data(as_text=True)
    assert anna.post("/me", data={"language": "xx", "theme": "dark"}).status_code == 422


def test_ones_own_password_needs_the_old_one(app: Flask, sign_in: SignIn, office: dict[str, User]) -> None:
    anna = sign_in("anna")
    new = {"old": PASSWORD, "new": "a fine new password", "again": "a fine new password"}
    for change, words in (
        ({"old": "wrong"}, "This is not your password."),
        ({"old": ""}, "Type the password you have now."),
        ({"new": "short", "again": "short"}, "At least 8 characters"),
        ({"again": "something else"}, "The two do not match."),
    ):
        answer = anna.post("/me/password", data=new | change)
        assert answer.status_code == 422 and words in answer.get_data(as_text=True)
    assert anna.post("/me/password", data=new).status_code == 303
    assert app.test_client().post("/login", data={"login": "anna", "password": new["new"]}).status_code == 303


def test_guessing_ones_old_password_is_slowed_down(sign_in: SignIn) -> None:
    anna = sign_in("anna")
    wrong = {"old": "wrong", "new": "a fine new password", "again": "a fine new password"}
    for _ in range(10):
        anna.post("/me/password", data=wrong)
    answer = anna.post("/me/password", data=wrong | {"old": PASSWORD})
    assert answer.status_code == 422 and "Too many failed attempts" in answer.get_data(as_text=True)


def test_the_list_takes_a_fixed_number_of_queries(
    sign_in: SignIn, session: Session, office: dict[str, User], count_queries: Callable[[], int]
) -> None:
    admin, counts = sign_in("admin"), []
    for number in range(3):
        user = User(login=f"more{number}", name=f"More {number}", role="manager", password_hash="x")
        session.add(user)
        session.commit()
        before = count_queries()
        assert admin.get("/users").status_code == 200
        counts.append(count_queries() - before)
    assert counts[0] == counts[2] <= 7


def test_an_own_number_is_kept_in_one_way_of_writing(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    admin = sign_in("admin")
    assert admin.post("/users", data=details(direct_number="8 (495) 555-66-77")).status_code == 200
    assert session.scalars(select(User).where(User.login == "olga")).one().direct_number == "+74955556677"
    page = admin.get(f"/users/{session.scalars(select(User.id).where(User.login == 'olga')).one()}")
    assert "+74955556677" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("+7 495 111-22-33", "Another user has this number."),
        ("8 495 999 99 99", "Callers of the line Sales desk dial this number."),
        ("101", "Write the number with its country code"),
        ("desk", "Write the number with its country code"),
    ],
)
def test_an_own_number_that_leads_elsewhere_is_refused_and_kept(
    sign_in: SignIn, session: Session, office: dict[str, User], typed: str, said: str
) -> None:
    office["anna"].direct_number = "+74951112233"
    session.scalars(select(Line)).one().number = "+7 495 999-99-99"
    session.commit()
    answer = sign_in("admin").post("/users", data=details(direct_number=typed))
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert typed in answer.get_data(as_text=True)

"""The page of a softphone: one's own, and for those who look after the telephones everybody's."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls.models import BridgeStatus

SignIn = Callable[[str], FlaskClient]


def secret_on(text: str) -> str:
    found = re.search(r'<code id="secret">([a-z2-9-]{19})</code>', text)
    assert found, "a secret should be on the page"
    return found[1]


def link_on(text: str) -> str:
    found = re.search(r'value="http://localhost(/softphone/[0-9a-f]{32})"', text)
    assert found, "the address of the settings should be on the page"
    return found[1]


def told(session: Session, clock: Clock, **status: object) -> None:
    session.add(BridgeStatus(at=clock(), status=status))
    session.commit()


def test_a_manager_registers_her_softphone_and_sees_the_secret_once(
    app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    anna = sign_in("anna")
    assert "Calls ring sip:anna@127.0.0.1:5999 now." in anna.get("/me/softphone").get_data(as_text=True)
    answer = anna.post("/me/softphone")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert "127.0.0.1:5060" in text and 'src="data:image/svg+xml' in text and "listens on this machine only" in text
    secret = secret_on(text)
    assert office["anna"].extension == "registered:anna"
    assert secret not in anna.get("/me/softphone").get_data(as_text=True)
    settings = app.test_client().get(link_on(text))
    assert settings.status_code == 200 and settings.mimetype == "application/xml"
    assert office["anna"].phone_sha256 in settings.get_data(as_text=True)
    assert app.test_client().get(link_on(text)).status_code == 404
    session.expire_all()
    assert office["anna"].phone_link == ""


def test_whoever_only_looks_does_not_use_the_address_up(app: Flask, sign_in: SignIn) -> None:
    link = link_on(sign_in("anna").post("/me/softphone").get_data(as_text=True))
    assert app.test_client().head(link).status_code == 405
    assert app.test_client().get("/softphone/nonsense").status_code == 404
    assert app.test_client().get(f"/softphone/{'0' * 32}").status_code == 404
    assert app.test_client().get(link).status_code == 200


def test_turned_off_nothing_registers_any_more(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    anna = sign_in("anna")
    anna.post("/me/softphone")
    assert anna.post("/me/softphone/off").headers["Location"].endswith("/me/softphone")
    session.expire_all()
    assert (office["anna"].extension, office["anna"].phone_md5) == ("", "")


@pytest.mark.parametrize("login", ["head", "admin"])
def test_head_and_administrator_register_anybodys(
    sign_in: SignIn, session: Session, office: dict[str, User], login: str
) -> None:
    path = f"/users/{office['boris'].id}/softphone"
    keeper = sign_in(login)
    assert "Softphone of Boris Ivanov" in keeper.get(path).get_data(as_text=True)
    secret_on(keeper.post(path).get_data(as_text=True))
    session.expire_all()
    assert office["boris"].extension == "registered:boris"
    assert keeper.get(f"{path}/devices").status_code == 200
    assert keeper.post(f"{path}/off").headers["Location"].endswith(path)


def test_others_are_kept_out(app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    boris = f"/users/{office['boris'].id}/softphone"
    stranger, anna, admin = app.test_client(), sign_in("anna"), sign_in("admin")
    for path in ("/me/softphone", boris):
        assert "/login" in stranger.post(path).headers["Location"]
        assert "/login" in stranger.get(f"{path}/devices").headers["Location"]
    for path in (boris, f"{boris}/off"):
        assert anna.post(path).status_code == 403
    assert anna.get(boris).status_code == 403
    assert admin.get("/me/softphone").status_code == 403  # takes no calls
    assert admin.post(f"/users/{office['admin'].id}/softphone").status_code == 404
    assert admin.post("/users/9999/softphone").status_code == 404
    office["vera"].active = False
    session.commit()
    assert admin.post(f"/users/{office['vera'].id}/softphone").status_code == 404
    session.expire_all()
    assert office["boris"].extension == "sip:boris@127.0.0.1:5999"


def test_the_page_shows_what_is_registered_now(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    softphones.make_secret(session, office["anna"], clock())
    phone = {"user": "anna", "device": "Linphone <b>5</b>", "address": "10.0.0.9:5070", "since": clock().isoformat()}
    told(session, clock, phones=[phone, {"user": "boris", "device": "x"}, {"user": 7}, "nonsense"])
    anna = sign_in("anna")
    devices = anna.get("/me/softphone/devices").get_data(as_text=True)
    assert "Linphone &lt;b&gt;5&lt;/b&gt;" in devices and "10.0.0.9:5070" in devices and "today 12:00" in devices
    assert "1 telephone registered" in anna.get("/me").get_data(as_text=True)
    users = sign_in("admin").get("/users").get_data(as_text=True)
    assert "1 telephone registered" in users and "registered:anna" not in users


@pytest.mark.parametrize("said", [{}, {"phones": "x"}, {"phones": [1, None, {"user": "anna", "since": "soon"}]}])
def test_a_bridge_that_says_nonsense_breaks_no_page(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, said: dict[str, object]
) -> None:
    softphones.make_secret(session, office["anna"], clock())
    told(session, clock, **said)
    assert sign_in("anna").get("/me/softphone").status_code == 200
    assert sign_in("admin").get("/users").status_code == 200


def test_without_a_bridge_nobody_is_told_that_no_telephone_is_there(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    softphones.make_secret(session, office["anna"], clock())
    session.commit()
    assert "The bridge is silent." in sign_in("anna").get("/me/softphone/devices").get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("registered:anna", ""),
        ("registered:boris", "Only the user&#39;s own softphones"),
        ("registered:", "Only the user&#39;s own softphones"),
        ("sip:anna@10.0.0.5\r\nContact: sip:evil@10.6.6.6", "Write a SIP address"),
        ("registered:anna\r\nX: y", "Only the user&#39;s own softphones"),
    ],
)
def test_the_administrator_writes_only_what_can_ring(
    sign_in: SignIn, session: Session, office: dict[str, User], typed: str, said: str
) -> None:
    anna = office["anna"]
    form = {"name": anna.name, "login": "anna", "position": "", "role": "manager", "region_id": "0", "extension": typed}
    answer = sign_in("admin").post(f"/users/{anna.id}", data=form)
    session.expire_all()
    if said:
        assert answer.status_code == 422 and said in answer.get_data(as_text=True)
        assert anna.extension == "sip:anna@127.0.0.1:5999"
    else:
        assert answer.status_code == 303 and anna.extension == typed


def test_an_empty_address_keeps_a_softphone_that_registers(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    anna = office["anna"]
    softphones.make_secret(session, anna, clock())
    session.commit()
    admin = sign_in("admin")
    assert 'value="registered:anna"' not in admin.get(f"/users/{anna.id}").get_data(as_text=True)
    form = {"name": "Anna P.", "login": "anna", "position": "", "role": "manager", "region_id": "0", "extension": ""}
    assert admin.post(f"/users/{anna.id}", data=form).status_code == 303
    session.expire_all()
    assert (anna.name, anna.extension) == ("Anna P.", "registered:anna") and anna.phone_md5
    assert admin.post(f"/users/{anna.id}", data=form | {"extension": "sip:anna@10.0.0.5"}).status_code == 303
    session.expire_all()
    assert (anna.extension, anna.phone_md5) == ("sip:anna@10.0.0.5", "")

"""The page of mails: whose they are, what may be decided, and what the administrator does not see."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.mail.conftest import Queued
from webapp.config import MailServer
from webapp.mail import sending
from webapp.mail.models import OutgoingMail
from webapp.mail.smtp import Failed

SignIn = Callable[[str], FlaskClient]


def end(
    session: Session, mail: OutgoingMail, what: str, clock: Clock, said: str = "550 <pavel@rassvet.example> unknown"
) -> None:
    sending.claim(session, mail.id, "desk@northwind.example", clock())
    sending.failed(session, mail.id, clock(), Failed(what, "answer" if what == "unsure" else "address", said), clock())
    session.commit()


def test_each_sees_the_own_mails_and_the_head_all(queued: Queued, sign_in: SignIn) -> None:
    queued(), queued("letter:2", "boris@client.example", "boris"), queued("digest:1", "all@client.example", "")
    page = sign_in("anna").get("/mail").get_data(as_text=True)
    assert "pavel@rassvet.example" in page and "boris@client.example" not in page and "all@client.example" not in page
    assert "No mail server is set." in page
    page = sign_in("head").get("/mail").get_data(as_text=True)
    assert "boris@client.example" in page and "all@client.example" in page


def test_the_administrator_sees_how_it_stands_and_nobody_s_words(
    queued: Queued, sign_in: SignIn, session: Session, clock: Clock
) -> None:
    mail = queued()
    end(session, mail, "refused", clock)
    admin = sign_in("admin")
    page = admin.get("/mail").get_data(as_text=True)
    assert "refused" in page and "550" in page and "Anna Petrova" in page
    assert "pavel" not in page and "Окна" not in page and f"/mail/{mail.id}" not in page
    assert admin.get(f"/mail/{mail.id}").status_code == 403
    assert admin.post(f"/mail/{mail.id}/again").status_code == 403


@pytest.mark.parametrize(("who", "code"), [("anna", 200), ("head", 200), ("boris", 404), ("agent", 404)])
def test_one_mail_is_its_user_s_and_the_head_s(queued: Queued, sign_in: SignIn, who: str, code: int) -> None:
    mail = queued()
    client = sign_in(who)
    assert client.get(f"/mail/{mail.id}").status_code == code
    assert client.get(f"/mail/{mail.id + 1}").status_code == 404
    assert client.post(f"/mail/{mail.id}/withdraw").status_code == (303 if code == 200 else 404)


def test_withdrawn_while_it_waits_and_not_once_it_is_claimed(
    queued: Queued, sign_in: SignIn, session: Session, clock: Clock
) -> None:
    waiting, claimed = queued(), queued("letter:2")
    sending.claim(session, claimed.id, "desk@northwind.example", clock())
    session.commit()
    anna = sign_in("anna")
    anna.post(f"/mail/{waiting.id}/withdraw")
    page = anna.post(f"/mail/{claimed.id}/withdraw", follow_redirects=True).get_data(as_text=True)
    session.expire_all()
    assert (waiting.state, claimed.state) == ("withdrawn", "claimed") and "done any more" in page
    assert sending.waiting(session, clock()) == []


def test_an_unsure_mail_is_decided_once(queued: Queued, sign_in: SignIn, session: Session, clock: Clock) -> None:
    mail = queued()
    end(session, mail, "unsure", clock, "timeout")
    anna = sign_in("anna")
    page = anna.get(f"/mail/{mail.id}").get_data(as_text=True)
    assert "It arrived" in page and "Send again" in page and "Ask whom you wrote to" in page
    anna.post(f"/mail/{mail.id}/again")
    anna.post(f"/mail/{mail.id}/again")
    anna.post(f"/mail/{mail.id}/arrived")
    session.expire_all()
    rows = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
    assert [(row.key, row.state) for row in rows] == [("letter:1", "replaced"), ("letter:1#2", "queued")]
    assert rows[1].body == mail.body and rows[1].message_id != mail.message_id
    assert "sent again, time 2" in anna.get("/mail").get_data(as_text=True)
    end(session, rows[1], "unsure", clock, "cut")
    anna.post(f"/mail/{rows[1].id}/arrived")
    session.expire_all()
    assert (rows[1].state, rows[1].sent_at) == ("sent", clock())


def test_try_now_does_not_wait(queued: Queued, sign_in: SignIn, session: Session, clock: Clock) -> None:
    mail = queued()
    end(session, mail, "later", clock, "451 later")
    page = sign_in("anna").get("/mail").get_data(as_text=True)
    assert "The mail server refuses this address: 451 later" in page and "next try" in page
    assert sending.waiting(session, clock()) == []
    sign_in("anna").post(f"/mail/{mail.id}/try-now")
    session.expire_all()
    assert sending.waiting(session, clock()) == [mail.id]


def test_the_list_asks_as_much_for_many_as_for_one(
    queued: Queued, sign_in: SignIn, count_queries: Callable[[], int]
) -> None:
    anna = sign_in("head")
    queued()
    before = count_queries()
    anna.get("/mail")
    one = count_queries() - before
    for number in range(2, 12):
        queued(f"letter:{number}")
    before = count_queries()
    anna.get("/mail")
    assert count_queries() - before == one


def test_metrics_count_what_waits_and_what_is_unsure(
    app: Flask, queued: Queued, session: Session, clock: Clock
) -> None:
    queued()
    end(session, queued("letter:2"), "unsure", clock, "cut")
    text = app.test_client().get("/metrics").get_data(as_text=True)
    assert 'secondring_mail{state="waiting"} 1.0' in text and 'secondring_mail{state="unsure"} 1.0' in text


def test_what_is_wrong_with_the_server_is_told_to_all_and_what_is_wrong_with_an_address_to_its_writer(
    app: Flask, queued: Queued, sign_in: SignIn, session: Session, clock: Clock
) -> None:
    app.config["SETTINGS"] = dataclasses.replace(
        app.config["SETTINGS"], mail=MailServer("127.0.0.1", 25, "none", "", "", "desk@northwind.example")
    )
    end(session, queued(), "later", clock, "450 <pavel@rassvet.example> come back later")
    page = sign_in("boris").get("/mail").get_data(as_text=True)
    assert "Mail waits." not in page and "pavel" not in page
    other = queued("letter:2")
    sending.put_off(session, Failed("server", "connect", "Connection refused"), clock())
    session.commit()
    queued("letter:3", "b@client.example", "boris")
    page = sign_in("boris").get("/mail").get_data(as_text=True)
    assert "No connection with the mail server: Connection refused" in page
    assert "pavel" not in page and other.state == "queued"

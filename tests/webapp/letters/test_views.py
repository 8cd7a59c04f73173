"""Letters on the desk, in their list and on their page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.letters.models import Letter
from webapp.mail.models import OutgoingMail
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]


def typed(letter: Letter, **other: str) -> dict[str, str]:
    values = {name: getattr(letter, name) for name in ("to_address", "subject", "body")}
    return {**values, **{f"was_{name}": value for name, value in values.items()}, **other}


def test_it_waits_on_the_desk_in_the_list_and_on_the_card(letter: Letter, sign_in: SignIn) -> None:
    anna = sign_in("anna")
    assert "Letters to send" in anna.get("/desk/idle").get_data(as_text=True)
    assert "Letters to send" not in sign_in("boris").get("/desk/idle").get_data(as_text=True)
    assert letter.subject in anna.get("/letters").get_data(as_text=True)
    assert letter.subject not in sign_in("boris").get("/letters").get_data(as_text=True)
    assert f"/letters/{letter.id}" in anna.get(f"/clients/{letter.client_id}").get_data(as_text=True)
    page = anna.get(f"/letters/{letter.id}").get_data(as_text=True)
    assert "Dear Pavel," in page and "Nothing to mend" in page and "No mail server is set." in page


@pytest.mark.parametrize(("who", "code"), [("anna", 200), ("head", 200), ("boris", 404), ("admin", 403)])
def test_whose_it_is(letter: Letter, sign_in: SignIn, who: str, code: int) -> None:
    client = sign_in(who)
    assert client.get(f"/letters/{letter.id}").status_code == code
    assert (
        client.post(f"/letters/{letter.id}/subject", data={"subject": "x", "was": letter.subject}).status_code == code
    )
    assert client.get(f"/letters/{letter.id + 1}").status_code == (403 if who == "admin" else 404)


def test_it_is_kept_as_it_is_typed(letter: Letter, sign_in: SignIn, session: Session) -> None:
    anna, was = sign_in("anna"), letter.subject
    answer = anna.post(f"/letters/{letter.id}/subject", data={"subject": "Hello!", "was": was})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "saved" in page and "No exclamation marks" in page
    answer = sign_in("head").post(f"/letters/{letter.id}/subject", data={"subject": "Doors", "was": was})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Hello!" in page and "Doors" in page
    assert anna.post(f"/letters/{letter.id}/subject", data={"subject": "x" * 301, "was": "Hello!"}).status_code == 422
    session.refresh(letter)
    assert letter.subject == "Hello!"


def test_it_is_sent_as_it_stands_on_the_page(letter: Letter, sign_in: SignIn, session: Session) -> None:
    anna = sign_in("anna")
    answer = anna.post(f"/letters/{letter.id}/send", data=typed(letter, body="Dear Pavel,\r\n\r\nas agreed.\r\n"))
    assert answer.status_code == 303
    mail = session.scalars(select(OutgoingMail)).one()
    assert (mail.body, mail.to_address) == ("Dear Pavel,\n\nas agreed.\n", "pavel@rassvet.example")
    page = anna.get(f"/letters/{letter.id}").get_data(as_text=True)
    assert "waiting" in page and "Kept word for word" in page and "<textarea" not in page
    page = anna.get(f"/clients/{letter.client_id}/history?show=letter").get_data(as_text=True)
    assert letter.subject in page and "waiting" in page
    again = anna.post(f"/letters/{letter.id}/send", data=typed(letter), follow_redirects=True)
    assert "changes no more" in again.get_data(as_text=True)
    assert len(session.scalars(select(OutgoingMail.id)).all()) == 1


def test_what_can_t_be_sent_is_said_and_kept(letter: Letter, sign_in: SignIn, session: Session) -> None:
    answer = sign_in("anna").post(
        f"/letters/{letter.id}/send", data=typed(letter, to_address="pavel", body="Dear Pavel")
    )
    page = answer.get_data(as_text=True)
    assert (
        answer.status_code == 422 and "no e-mail address" in page and 'value="pavel"' in page and "Dear Pavel" in page
    )
    assert session.scalars(select(OutgoingMail)).all() == []


def test_sending_over_what_the_head_has_changed_shows_both(letter: Letter, sign_in: SignIn, session: Session) -> None:
    data = typed(letter, subject="Mine: the windows")
    sign_in("head").post(f"/letters/{letter.id}/subject", data={"subject": "Theirs: doors", "was": letter.subject})
    answer = sign_in("anna").post(f"/letters/{letter.id}/send", data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Mine: the windows" in page and "Theirs: doors" in page
    assert session.scalars(select(OutgoingMail)).all() == []


def test_left_out_with_a_reason_and_taken_up_again(letter: Letter, sign_in: SignIn, session: Session) -> None:
    anna = sign_in("anna")
    assert anna.post(f"/letters/{letter.id}/leave-out", data={"reason": " "}).status_code == 422
    assert anna.post(f"/letters/{letter.id}/take-up").status_code == 404
    anna.post(f"/letters/{letter.id}/leave-out", data={"reason": "said all by mail"})
    session.refresh(letter)
    assert letter.skip_reason == "said all by mail"
    assert "said all by mail" in anna.get("/letters?show=left_out").get_data(as_text=True)
    anna.post(f"/letters/{letter.id}/take-up")
    session.refresh(letter)
    assert letter.skipped_at is None


def test_one_s_own_e_mail_takes_the_answers(
    letter: Letter, sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    anna = sign_in("anna")
    answer = anna.post("/me", data={"language": "", "theme": "", "email": "anna at home"})
    assert answer.status_code == 422 and "anna at home" in answer.get_data(as_text=True)
    assert (
        anna.post("/me", data={"language": "", "theme": "", "email": "a.petrova@northwind.example"}).status_code == 303
    )
    session.refresh(office["anna"])
    assert office["anna"].email == "a.petrova@northwind.example"


def test_the_administrator_writes_somebody_s_e_mail(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    admin, boris = sign_in("admin"), office["boris"]
    form = {"name": boris.name, "login": "boris", "role": "manager", "region_id": "0", "position": "manager"}
    answer = admin.post(f"/users/{boris.id}", data={**form, "email": "boris@"})
    assert answer.status_code == 422 and "no e-mail address" in answer.get_data(as_text=True)
    assert admin.post(f"/users/{boris.id}", data={**form, "email": "boris@northwind.example"}).status_code == 303
    session.refresh(boris)
    assert boris.email == "boris@northwind.example"


def test_the_head_writes_what_closes_a_letter(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    page = head.get("/settings").get_data(as_text=True)
    assert 'name="requisites"' in page and 'name="signature"' in page


def test_the_list_asks_as_much_for_many_as_for_one(
    letter: Letter, sign_in: SignIn, session: Session, clock: Clock, count_queries: Callable[[], int]
) -> None:
    anna = sign_in("anna")

    def cost() -> int:
        session.commit()
        session.expunge_all()  # the app of a test shares its session
        before = count_queries()
        assert anna.get("/letters").status_code == 200
        return count_queries() - before

    client_id, user_id = letter.client_id, letter.user_id
    one = cost()
    for _ in range(8):
        touch = Touch(started_at=clock(), client_id=client_id, user_id=user_id)
        session.add(touch)
        session.flush()
        session.add(Letter(touch_id=touch.id, client_id=client_id, user_id=user_id, subject="s", made_at=clock()))
    session.commit()
    assert cost() == one

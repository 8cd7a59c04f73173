"""The page as it opens: who sees which call, and what comes first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from markupsafe import escape
from sqlalchemy.orm import Session

from sipbridge.events import EndReason, LegEnd, LegEnded, LegRinging
from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import NUMBER, Phone
from webapp.accounts.models import User
from webapp.calls import lifecycle
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.desk import bar
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]
PARTS = ("/desk/touches/{}/who", "/desk/touches/{}/script", "/touches/{}/result")


def page(client: FlaskClient, address: str = "/desk") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_known_number_opens_its_card(
    sign_in: SignIn, phone: Phone, on_duty: User, client_with: MakeClient, clock: Clock
) -> None:
    client_with(NUMBER, "Rassvet")
    phone.ring()
    clock.move(seconds=11)
    seen = page(sign_in("anna"))
    assert "Rassvet" in seen and "Orlov Pavel" in seen
    assert "Ringing" in seen and "+7 495 123-45-67" in seen
    assert "<b data-rings>3</b>" in seen and "<span data-clock>0:11</span>" in seen  # rings of 5 s
    assert "Matched: same phone." in seen and "on duty until 16:00: Anna Petrova" in seen


def test_several_cards_are_offered_and_none_is_opened(
    sign_in: SignIn, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client_with(NUMBER, "Rassvet")
    client_with(NUMBER, "Zakat")
    phone.ring()
    seen = page(sign_in("anna"))
    assert 'data-key="Shift+1"' in seen and 'data-key="Shift+2"' in seen and 'data-key="Shift+0"' in seen
    assert "One of 2 clients" in seen and "Still unknown" not in seen


def test_an_unknown_number_opens_the_seven_fields(sign_in: SignIn, phone: Phone, on_duty: User) -> None:
    phone.ring(name="A. Caller")
    seen = page(sign_in("anna"))
    assert "A. Caller" in seen and 'value="+7 495 123-45-67"' in seen
    for name in ("surname", "given_name", "name", "position", "phone", "email", "website"):
        assert f'id="card-{name}"' in seen


def test_a_hidden_number_opens_a_card_without_one(sign_in: SignIn, phone: Phone, on_duty: User) -> None:
    phone.ring(number="")
    seen = page(sign_in("anna"))
    assert "Hidden number" in seen and 'id="card-surname"' in seen and 'value="+' not in seen


@pytest.mark.parametrize("address", ["sales-Bob.x", "bob2000", "<script>alert(1)</script>", "Ю" * 64])
def test_an_address_that_is_no_number_is_shown_as_it_is(
    sign_in: SignIn, phone: Phone, on_duty: User, address: str
) -> None:
    touch = phone.ring(number=address)
    anna, shown = sign_in("anna"), str(escape(address))
    seen = page(anna)
    assert f'class="callbar-number">{shown}<' in seen and f"No number: the caller&#39;s address is {shown}." in seen
    assert "idden number" not in seen and "Unknown caller" in seen and 'id="card-surname"' in seen
    phone.end(touch, EndReason.ABANDONED)
    waiting = page(anna)
    assert f"<b>{shown}</b>" in waiting and "We rang back and spoke" not in waiting
    assert touch.call and anna.post(f"/desk/missed/{touch.call_id}/rang-back").status_code == 404
    assert "is no number; a card without a number was prepared." in page(anna, f"/calls/{touch.call_id}")
    for listed in ("/calls", "/ledger"):
        seen = page(sign_in("head"), listed)
        assert shown in seen and "hidden number" not in seen


def test_only_those_who_are_rung_see_a_call(sign_in: SignIn, phone: Phone, on_duty: User, session: Session) -> None:
    touch = phone.ring()
    for login in ("boris", "vera", "secretary", "head"):
        other = sign_in(login)
        assert "No call" in page(other) and "123-45-67" not in page(other, f"/desk?touch={touch.id}")
        for part in PARTS:
            assert other.get(part.format(touch.id)).status_code == 404
    assert touch.call
    lifecycle.apply(
        LegRinging(touch.call.call_id, "sip:boris@127.0.0.1:5999", 1, phone.clock()), session, phone.clock()
    )
    session.commit()
    assert "Ringing" in page(sign_in("boris"))
    assert sign_in("boris").get(PARTS[0].format(touch.id)).status_code == 200


def test_when_one_takes_it_it_goes_from_the_others_with_a_word(
    sign_in: SignIn, phone: Phone, on_duty: User, office: dict[str, User], session: Session
) -> None:
    touch = phone.ring(name="A. Caller")
    assert touch.call
    lifecycle.apply(LegRinging(touch.call.call_id, office["boris"].extension, 1, phone.clock()), session, phone.clock())
    phone.answer(touch, office["boris"])
    seen = page(sign_in("anna"), f"/desk/bar?shown={touch.id}")
    assert "Boris Ivanov took the call: A. Caller." in seen
    assert 'hx-swap-oob="true"' in seen and "Talking" not in seen  # the panels go, the idle lists come
    assert "Talking" in page(sign_in("boris"))
    assert sign_in("anna").post(f"/touches/{touch.id}/result", data={"note": "mine?"}).status_code == 404


def test_a_caller_who_gave_up_is_said_to_be_missed(sign_in: SignIn, phone: Phone, on_duty: User) -> None:
    touch = phone.ring(name="A. Caller")
    phone.end(touch, EndReason.ABANDONED)
    seen = page(sign_in("anna"), f"/desk/bar?shown={touch.id}")
    assert "The caller hung up: A. Caller." in seen and "Missed, not rung back" in seen


def test_the_bar_brings_the_panels_only_when_another_touch_comes_first(
    sign_in: SignIn, phone: Phone, on_duty: User
) -> None:
    anna, touch = sign_in("anna"), phone.ring()
    fresh = anna.get("/desk/bar?shown=", headers={"HX-Request": "true"})
    assert 'id="panels"' in fresh.get_data(as_text=True)
    assert fresh.headers["HX-Replace-Url"] == f"/desk?touch={touch.id}"
    again = anna.get(f"/desk/bar?shown={touch.id}", headers={"HX-Request": "true"})
    assert 'id="panels"' not in again.get_data(as_text=True) and "HX-Replace-Url" not in again.headers


def test_my_talk_comes_before_what_rings_and_a_chip_turns_to_it(
    sign_in: SignIn, phone: Phone, on_duty: User, clock: Clock
) -> None:
    first = phone.ring("+74951111111", "First Caller")
    phone.answer(first, on_duty)
    clock.move(minutes=2)
    second = phone.ring("+74952222222", "Second Caller")
    anna = sign_in("anna")
    # the office's own manager is talking, but the plan may still ring her: then both are hers
    lifecycle_rings(phone, second, on_duty)
    seen = page(anna)
    assert "Talking" in seen and 'class="callbar-name">First Caller' in seen
    assert f'href="/desk?touch={second.id}&amp;pin=1"' in seen and "I have a second call" in seen
    turned = page(anna, f"/desk?touch={second.id}&pin=1")
    assert 'class="callbar-name">Second Caller' in turned
    stale = page(anna, f"/desk?touch={second.id}")
    assert 'class="callbar-name">First Caller' in stale  # without the pin the talk comes first


def test_a_phone_that_is_silent_says_why_and_who_is_rung(
    sign_in: SignIn, phone: Phone, on_duty: User, office: dict[str, User]
) -> None:
    touch, anna = phone.ring(), sign_in("anna")
    lifecycle_rings(phone, touch, on_duty)
    assert "Your phone" not in page(anna)
    assert touch.call
    for reason, said in (
        (LegEnd.BUSY, "Your phone was busy."),
        (LegEnd.REJECTED, "Your phone declined the call."),
        (LegEnd.UNREACHABLE, "Your phone could not be reached."),
        (LegEnd.NO_ANSWER, "Your phone was not picked up."),
    ):
        phone.apply(LegEnded(touch.call.call_id, on_duty.extension, reason, phone.clock()))
        assert said in page(anna) and "Being rung now" not in page(anna)
    lifecycle_rings(phone, touch, office["boris"])
    assert "Your phone was not picked up. Being rung now: Boris Ivanov." in page(anna)
    assert "Your phone" not in page(sign_in("boris"))
    lifecycle_rings(phone, touch, on_duty)
    assert "Your phone" not in page(anna)


def lifecycle_rings(phone: Phone, touch: Touch, user: User) -> None:
    assert touch.call
    event = LegRinging(touch.call.call_id, user.extension, 0, phone.clock())
    lifecycle.apply(event, phone.session, phone.clock())
    phone.session.commit()


def test_unfinished_work_opens_after_the_call_and_stays_until_closed(
    sign_in: SignIn, phone: Phone, on_duty: User
) -> None:
    touch = phone.ring(name="A. Caller")
    phone.answer(touch, on_duty)
    phone.end(touch)
    anna = sign_in("anna")
    seen = page(anna, f"/desk?touch={touch.id}")
    assert "Ended" in seen and "Close the row" in seen
    idle = page(anna)
    assert "My unfinished rows" in idle and f'href="/desk?touch={touch.id}"' in idle
    assert "Close the row" not in page(sign_in("boris"), f"/desk?touch={touch.id}")


@pytest.mark.parametrize("asked", ["", "x", "-1", "9" * 30, "0", "١"])
def test_a_nonsense_touch_is_the_idle_page(sign_in: SignIn, phone: Phone, on_duty: User, asked: str) -> None:
    assert "No call" in page(sign_in("anna"), f"/desk?touch={asked}")


def test_the_page_is_for_those_who_work_with_clients(app: object, sign_in: SignIn, phone: Phone) -> None:
    assert sign_in("admin").get("/desk").status_code == 403
    anna = sign_in("anna")
    anna.post("/logout")
    for address in ("/desk", "/desk/bar", "/desk/idle", "/desk/touches/1/who"):
        assert anna.get(address).status_code == 302


def test_reading_writes_nothing_and_asks_a_bounded_number_of_questions(
    sign_in: SignIn,
    phone: Phone,
    on_duty: User,
    client_with: MakeClient,
    count_queries: Callable[[], int],
    session: Session,
) -> None:
    client_with(NUMBER, "Rassvet", on_duty)
    phone.ring()
    anna = sign_in("anna")
    page(anna)
    before = count_queries()
    page(anna)
    assert count_queries() - before <= 45
    assert not session.dirty and not session.new


def test_a_call_that_is_over_is_not_called_a_row_that_is_closed(app: Flask) -> None:
    with app.test_request_context(), force_locale("ru"):
        assert bar.word(Call(answered_at=None), "ended") == "Завершён"

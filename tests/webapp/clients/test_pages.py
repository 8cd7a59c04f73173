"""The pages of cards: they work, they keep strangers out, they keep what was typed, they ask few questions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import match, verdicts
from webapp.clients.models import CardChange, Client, ContactPoint
from webapp.deals.models import Deal
from webapp.feed import Feed
from webapp.office.models import ClientStatus
from webapp.recordings.models import Recording
from webapp.rules import extra
from webapp.rules.models import ExtraField
from webapp.tasks.models import Task
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def nobody(app: Flask) -> FlaskClient:
    """A browser that isn't signed in. (The test's app context remembers the last user; a real one ends.)"""
    g.pop("_login_user", None)
    return app.test_client()


PAGES = ["/clients", "/clients/new", "/clients/1", "/clients/1/aside", "/clients/1/history"]
POSTS = [
    "/clients",
    "/clients/new/hits",
    "/clients/1/fields/product",
    "/clients/1/people",
    "/clients/1/people/1/fields/surname",
    "/clients/1/contacts",
    "/clients/1/contacts/1",
    "/clients/1/contacts/1/prefer",
    "/clients/1/deals",
    "/deals/1/stage",
]


@pytest.fixture
def rassvet(make_card: Maker) -> Client:
    return make_card(
        "ООО «Рассвет»", ("+7 495 123-45-67",), email="pavel@rassvet.ru", surname="Орлов", given_name="Павел"
    )


@pytest.mark.parametrize("address", PAGES)
def test_pages_work_and_are_for_those_who_sell(
    app: Flask, sign_in: SignIn, rassvet: Client, address: str, session: Session
) -> None:
    for login, status in (("anna", 200), ("secretary", 200), ("admin", 403)):
        g.pop("_login_user", None)
        assert sign_in(login).get(address).status_code == status
    assert "/login" in nobody(app).get(address).headers["Location"]


@pytest.mark.parametrize("address", POSTS)
def test_changes_are_for_those_who_sell(app: Flask, sign_in: SignIn, rassvet: Client, address: str) -> None:
    assert sign_in("admin").post(address).status_code == 403
    assert "/login" in nobody(app).post(address).headers["Location"]


@pytest.mark.parametrize("address", [one.replace("/1", "/999") for one in PAGES[2:]])
def test_a_card_that_is_not_there(sign_in: SignIn, office: dict[str, User], address: str) -> None:
    assert sign_in("anna").get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        *[one.replace("/1/", "/999/") for one in POSTS[2:]],
        "/clients/1/fields/shoe_size",
        "/clients/1/fields/purpose",
        "/clients/1/fields/created_at",
        "/clients/1/people/999/fields/surname",
        "/clients/1/contacts/999",
    ],
)
def test_changes_of_what_is_not_there(sign_in: SignIn, rassvet: Client, address: str) -> None:
    assert sign_in("anna").post(address, data={"value": "x"}).status_code == 404


# Search


@pytest.mark.parametrize(
    "typed",
    [
        "рассвет", "РАССВ", "rassv", "ООО Рассвет", "Орлов", "orlova"[:5], "павел", "Павел Орлов", "рассвет орл",
        "4567", "123-45-67", "8 495 123-45-67", "+7 (495)", "495123", "8495123", "pavel@", "@rassvet.ru", "Orlov 4567",
    ],
)  # fmt: skip
def test_the_search_box_finds_a_card(sign_in: SignIn, rassvet: Client, make_card: Maker, typed: str) -> None:
    make_card("Закат", ("+7 812 765-43-21",), surname="Козлов")
    page = sign_in("anna").get("/clients", query_string={"q": typed}, headers=HTMX).get_data(as_text=True)
    assert f'href="/clients/{rassvet.id}"' in page
    assert "Закат" not in page
    assert "<html" not in page


@pytest.mark.parametrize("typed", ["зззз", "%", "_", "'; drop table client", "99", "0000000000", "@@", "x" * 500])
def test_a_search_for_nothing_says_so(sign_in: SignIn, rassvet: Client, typed: str) -> None:
    answer = sign_in("anna").get("/clients", query_string={"q": typed})
    assert answer.status_code == 200
    assert f'href="/clients/{rassvet.id}"' not in answer.get_data(as_text=True)


def test_without_a_search_the_newest_come_first_a_page_at_a_time(
    sign_in: SignIn, make_card: Maker, clock: Clock, count_queries: Callable[[], int]
) -> None:
    for number in range(30):
        clock.move(minutes=1)
        make_card(f"Firm {number}", (f"+7 495 100-00-{number:02}",))
    browser = sign_in("anna")
    before = count_queries()
    page = browser.get("/clients").get_data(as_text=True)
    assert count_queries() - before <= 13, "the filters take six"
    assert "Firm 29" in page and "Firm 4<" not in page
    assert "Firm 4<" in browser.get("/clients?page=2").get_data(as_text=True)
    for silly in ("0", "-5", "999999999999", "two"):
        assert browser.get("/clients", query_string={"page": silly}).status_code == 200


# The card


def test_the_card_shows_all_that_happened(
    sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session, clock: Clock
) -> None:
    now = clock()
    call = Call(
        call_id="c1", number="+74951234567", offered_at=now, state="ended", client_id=rassvet.id, answered_at=now,
        answered_by_id=office["anna"].id, rings=2, talk_seconds=95, end_reason="completed",
    )  # fmt: skip
    missed = Call(
        call_id="c2", offered_at=now - timedelta(hours=1), state="ended", client_id=rassvet.id, rings=3,
        end_reason="abandoned",
    )  # fmt: skip
    session.add_all([call, missed])
    session.flush()
    session.add(Recording(call=call, path="c1.wav", seconds=95, ready_at=now))
    session.add(
        Touch(
            started_at=now, call_id=call.id, client_id=rassvet.id, user_id=office["anna"].id, note="wants windows",
            next_at=now + timedelta(days=1), closed_at=now,
        )
    )  # fmt: skip
    session.add(
        Task(kind="promise", client_id=rassvet.id, due_at=now - timedelta(minutes=5), created_at=now, text="ring back")
    )
    session.add(Deal(client_id=rassvet.id, title="Forty windows", stage="discussion", opened_at=now))
    session.commit()
    page = sign_in("boris").get(f"/clients/{rassvet.id}").get_data(as_text=True)
    for words in ("answered", "on ring 2", "1:35", "missed", "3 rings", "wants windows", "ring back", "Forty windows"):
        assert words in page, words
    assert f'src="/recordings/{call.id}"' in page
    assert "Discussion" in page


def test_the_card_asks_the_database_little_however_long_the_history(
    sign_in: SignIn, rassvet: Client, session: Session, clock: Clock, count_queries: Callable[[], int]
) -> None:
    browser = sign_in("anna")

    def cost() -> int:
        before = count_queries()
        assert browser.get(f"/clients/{rassvet.id}").status_code == 200
        return count_queries() - before

    empty = cost()
    for number in range(50):
        call = Call(call_id=f"c{number}", offered_at=clock.move(minutes=1), state="ended", client_id=rassvet.id)
        session.add(call)
        session.flush()
        session.add(Touch(started_at=clock(), call_id=call.id, client_id=rassvet.id))
        session.add(Deal(client_id=rassvet.id, title=f"Deal {number}", opened_at=clock()))
    session.commit()
    assert cost() <= empty + 7  # deals bring their lists and their currency
    assert empty <= 30  # two of them count the approaches


def test_the_history_continues_page_by_page_without_gaps(
    sign_in: SignIn, rassvet: Client, session: Session, clock: Clock
) -> None:
    for number in range(70):
        session.add(Touch(started_at=clock.move(minutes=1), client_id=rassvet.id, note=f"note-{number:02}."))
    session.commit()
    browser = sign_in("anna")
    page = browser.get(f"/clients/{rassvet.id}/history").get_data(as_text=True)
    seen = page
    while "before=" in page:
        address = page.split('hx-get="')[-1].split('"')[0].replace("&amp;", "&")
        page = browser.get(address, headers=HTMX).get_data(as_text=True)
        seen += page
    assert all(seen.count(f"note-{number:02}.") == 1 for number in range(70))
    assert browser.get(f"/clients/{rassvet.id}/history?before=1e300").status_code == 404


def test_every_field_saves_itself_and_the_next_missing_one_is_asked(
    sign_in: SignIn, rassvet: Client, session: Session
) -> None:
    browser = sign_in("anna")
    page = browser.get(f"/clients/{rassvet.id}").get_data(as_text=True)
    assert "What made you turn to us today?" in page
    answer = browser.post(f"/clients/{rassvet.id}/fields/reason", data={"value": "  new  office "}, headers=HTMX)
    assert answer.status_code == 200
    assert 'value="new office"' in answer.get_data(as_text=True)
    session.expire_all()
    assert rassvet.reason == "new office"
    assert "What made you turn to us today?" not in browser.get(f"/clients/{rassvet.id}/aside").get_data(as_text=True)


def test_a_value_that_does_not_fit_comes_back_with_its_words(
    sign_in: SignIn, rassvet: Client, session: Session
) -> None:
    browser = sign_in("anna")
    words = "wide " * 60
    answer = browser.post(f"/clients/{rassvet.id}/fields/product", data={"value": words}, headers=HTMX)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page and "At most 200 characters." in page and 'aria-invalid="true"' in page
    session.expire_all()
    assert rassvet.product == ""
    for name, value in (("kind", "robot"), ("category", "Z"), ("status", "999"), ("owner", "x"), ("channel", "-1")):
        assert browser.post(f"/clients/{rassvet.id}/fields/{name}", data={"value": value}).status_code == 422, name


def test_a_new_name_is_found_at_once(sign_in: SignIn, rassvet: Client, session: Session) -> None:
    browser = sign_in("anna")
    assert browser.post(f"/clients/{rassvet.id}/fields/name", data={"value": "Закат"}).status_code == 200
    person = rassvet.people[0]
    browser.post(f"/clients/{rassvet.id}/people/{person.id}/fields/surname", data={"value": "Новиков"})
    page = browser.get("/clients?q=zakat+novikov").get_data(as_text=True)
    assert f'href="/clients/{rassvet.id}"' in page


def test_statuses_move_forward_and_the_head_may_do_otherwise(
    sign_in: SignIn, rassvet: Client, session: Session
) -> None:
    low, high = session.scalars(select(ClientStatus).order_by(ClientStatus.rank)).all()[:2]
    address = f"/clients/{rassvet.id}/fields/status"
    anna = sign_in("anna")
    assert anna.post(address, data={"value": high.id}).status_code == 200
    assert anna.post(address, data={"value": low.id}).status_code == 422
    g.pop("_login_user")
    answer = sign_in("head").post(address, data={"value": low.id})
    assert answer.status_code == 422 and 'name="why"' in answer.get_data(as_text=True)
    answer = sign_in("head").post(address, data={"value": low.id, "why": "They went back to us"})
    assert answer.status_code == 200
    assert " autofocus" in answer.get_data(as_text=True), "the reason is gone, and the focus with it"
    noted = session.scalars(select(CardChange).where(CardChange.field == "status").order_by(CardChange.id)).all()[-1]
    assert (noted.old, noted.new, noted.why) == (high.name, low.name, "They went back to us")


def test_a_client_without_owner_may_be_taken_but_not_taken_away(
    sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session
) -> None:
    address = f"/clients/{rassvet.id}/fields/owner"
    assert sign_in("anna").post(address, data={"value": office["anna"].id}).status_code == 200
    g.pop("_login_user")
    assert sign_in("boris").post(address, data={"value": office["boris"].id}).status_code == 422
    g.pop("_login_user")
    assert sign_in("head").post(address, data={"value": office["boris"].id}).status_code == 200
    assert sign_in("head").post(address, data={"value": office["admin"].id}).status_code == 422
    session.expire_all()
    assert rassvet.owner_id == office["boris"].id


def test_people_and_addresses(sign_in: SignIn, rassvet: Client, session: Session) -> None:
    browser = sign_in("anna")
    base = f"/clients/{rassvet.id}"
    answer = browser.post(f"{base}/people", data={"surname": "Белова", "given_name": "Ирина"}, headers=HTMX)
    assert answer.status_code == 200 and "Белова" in answer.get_data(as_text=True)
    assert browser.post(f"{base}/people", data={"position": "buyer"}, headers=HTMX).status_code == 422
    person = rassvet.people[-1]
    answer = browser.post(f"{base}/contacts", data={"kind": "mobile", "value": "8 916 123 45 67", "person": person.id})
    assert answer.status_code == 200
    point = session.scalars(select(ContactPoint).where(ContactPoint.kind == "mobile")).one()
    assert (point.value, point.normal, point.person_id) == ("8 916 123 45 67", "+79161234567", person.id)
    assert match.certain(match.by_number(session, "+79161234567", "RU")) == rassvet.id
    assert 'aria-pressed="true"' in browser.post(f"{base}/contacts/{point.id}/prefer").get_data(as_text=True)
    page = browser.post(f"{base}/contacts/{point.id}", data={"value": "ask for Ira"}).get_data(as_text=True)
    assert "ask for Ira" in page and "kept as written" in page.replace("&#39;", "'")
    assert match.certain(match.by_number(session, "+79161234567", "RU")) is None
    answer = browser.post(f"{base}/contacts/{point.id}", data={"value": "9" * 300})
    assert answer.status_code == 422 and "9" * 300 in answer.get_data(as_text=True)
    assert browser.post(f"{base}/contacts/{point.id}", data={"value": " "}).status_code == 200
    session.expire_all()
    assert all(one.kind != "mobile" for one in rassvet.contact_points)
    answer = browser.post(f"{base}/contacts", data={"kind": "pigeon", "value": "coo"})
    assert answer.status_code == 422 and 'value="coo"' in answer.get_data(as_text=True)


def test_people_of_another_client_are_out_of_reach(sign_in: SignIn, rassvet: Client, make_card: Maker) -> None:
    other = make_card("Закат", ("+7 812 765-43-21",), surname="Козлов")
    browser = sign_in("anna")
    point, person = other.contact_points[0].id, other.people[0].id
    assert browser.post(f"/clients/{rassvet.id}/contacts/{point}", data={"value": ""}).status_code == 404
    assert browser.post(f"/clients/{rassvet.id}/contacts", data={"person": person, "value": "1"}).status_code == 404
    assert browser.post(f"/clients/{rassvet.id}/people/{person}/fields/surname").status_code == 404


def test_a_change_is_announced_to_everybody(
    sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session
) -> None:
    before = session.scalar(select(func.count(Feed.id))) or 0
    sign_in("anna").post(f"/clients/{rassvet.id}/fields/product", data={"value": "doors"})
    rows = session.scalars(select(Feed).where(Feed.id > before)).all()
    assert {row.user_id for row in rows} == {user.id for user in office.values()}
    assert {(row.kind, row.ref) for row in rows} == {("card", str(rassvet.id))}


def test_get_does_not_write(sign_in: SignIn, rassvet: Client, session: Session) -> None:
    browser = sign_in("anna")
    before = session.scalar(select(func.count(Feed.id)))
    for address in PAGES:
        browser.get(address)
    assert session.scalar(select(func.count(Feed.id))) == before


def test_hostile_names_are_shown_as_text(sign_in: SignIn, make_card: Maker, session: Session, clock: Clock) -> None:
    card = make_card(
        HOSTILE, ("+7 495 1234567", HOSTILE), email=HOSTILE, surname=HOSTILE[:60], product=HOSTILE, note=HOSTILE
    )
    session.add(Deal(client_id=card.id, title=HOSTILE, opened_at=clock()))
    session.add(Touch(client_id=card.id, started_at=clock(), note=HOSTILE))
    session.add(Task(kind="next_touch", client_id=card.id, due_at=clock(), created_at=clock(), text=HOSTILE))
    session.commit()
    browser = sign_in("anna")
    pages = [browser.get(address) for address in ("/clients", f"/clients?q={HOSTILE}", f"/clients/{card.id}")]
    pages.append(browser.post("/clients/new/hits", data={"name": HOSTILE}))
    pages.append(browser.post("/clients", data={"name": HOSTILE * 9, "deal": HOSTILE}))
    for answer in pages:
        page = answer.get_data(as_text=True)
        assert "alert(1)" in page
        assert "<script>alert" not in page and "<img src=x" not in page


# A new card


def test_a_card_and_a_deal_in_one_click(
    sign_in: SignIn, office: dict[str, User], session: Session, clock: Clock
) -> None:
    typed = {
        "name": "Рассвет", "surname": "Орлов", "phone": "8 916 123-45-67", "email": "p@rassvet.ru",
        "website": "rassvet.ru", "deal": "Forty windows",
    }  # fmt: skip
    answer = sign_in("anna").post("/clients", data=typed, headers=HTMX)
    client = session.scalars(select(Client)).one()
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"/clients/{client.id}")
    assert (client.owner_id, client.created_at, client.website) == (office["anna"].id, clock(), "rassvet.ru")
    assert {(point.kind, point.person_id) for point in client.contact_points} == {
        ("mobile", client.people[0].id),
        ("email", client.people[0].id),
    }
    assert session.scalars(select(Deal)).one().title == "Forty windows"
    assert match.certain(match.by_number(session, "+79161234567", "RU")) == client.id


def test_a_card_that_can_not_be_saved_keeps_its_words(
    sign_in: SignIn, office: dict[str, User], session: Session
) -> None:
    browser = sign_in("anna")
    answer = browser.post("/clients", data={"surname": "Orlov", "name": "n" * 201, "deal": "windows"}, headers=HTMX)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="Orlov"' in page and "n" * 201 in page and 'value="windows"' in page and "<html" not in page
    answer = browser.post("/clients", data={"name": " ", "deal": "windows", "channel": ""})
    assert answer.status_code == 422 and "Type at least" in answer.get_data(as_text=True)
    assert browser.post("/clients", data={"name": "A", "channel": "99"}).status_code == 422
    assert session.scalars(select(Client)).all() == []


@pytest.fixture
def own_fields(session: Session) -> None:
    for place, (key, kind, choices) in enumerate(
        (("size", "number", []), ("since", "date", []), ("oak", "yes_no", []))
    ):
        session.add(ExtraField(key=key, names={"en": key.title()}, kind=kind, choices=choices, rank=place))
    session.add(ExtraField(key="old", names={"en": "Old one"}, kind="text", active=False))
    session.commit()


def test_a_new_card_has_the_fields_of_the_heads_making(
    sign_in: SignIn, session: Session, office: dict[str, User], own_fields: None
) -> None:
    anna = sign_in("anna")
    page = anna.get("/clients/new").get_data(as_text=True)
    assert 'name="extra:size"' in page and "Old one" not in page and '<details class="new-more">' in page
    typed = {
        "name": "Granit",
        "extra:size": "a dozen",
        "extra:since": "10.03.2026",
        "extra:oak": "yes",
        "extra:old": "x",
    }
    answer = anna.post("/clients", data=typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Type a number" in page and '<details class="new-more" open>' in page
    assert 'value="a dozen"' in page and 'value="10.03.2026"' in page and '<option value="yes" selected>' in page
    assert session.scalar(select(func.count(Client.id))) == 0
    assert anna.post("/clients", data={**typed, "extra:size": "12,5"}).status_code == 303
    client = session.scalars(select(Client)).one()
    assert extra.values(client) == {"size": "12.5", "since": "2026-03-10", "oak": "yes"}


def test_own_fields_typed_of_a_card_that_is_there_join_it(
    sign_in: SignIn, session: Session, rassvet: Client, own_fields: None
) -> None:
    size = session.scalars(select(ExtraField).where(ExtraField.key == "size")).one()
    extra.put(session, rassvet, size, "12", None)
    session.commit()
    typed = {"name": "Rassvet", "extra:size": "40", "extra:oak": "yes", "extra:since": "one day"}
    assert sign_in("anna").post(f"/clients/{rassvet.id}/same", data=typed).status_code == 303
    session.expire_all()
    assert extra.values(rassvet) == {"size": "12", "oak": "yes"}
    assert "Size: 40" in rassvet.note and "Since: one day" in rassvet.note


def test_cards_that_may_be_the_same_are_listed_while_one_is_typed(
    sign_in: SignIn, rassvet: Client, count_queries: Callable[[], int]
) -> None:
    browser = sign_in("anna")

    def listed(**typed: str) -> str:
        return browser.post("/clients/new/hits", data=typed).get_data(as_text=True)

    text = listed(name="Rassvet LLC", surname="Орлова")
    assert "same company name, same surname" in text and f"/clients/{rassvet.id}" in text and "no doubt" in text
    assert "same surname and given name" in listed(given_name="Pavel", surname="Орлова")
    assert "company name, one letter differs" in listed(name="Ravssvet")
    before = count_queries()
    assert "same phone without city code" in listed(phone="123-45-67")
    assert count_queries() - before <= 5
    assert "/clients/" not in listed(phone="9")


def test_what_is_said_of_a_card_goes_with_the_form_and_is_remembered(
    sign_in: SignIn, rassvet: Client, session: Session
) -> None:
    browser = sign_in("anna")
    typed = {"name": "Rassvet", "phone": "+7 812 345-67-89"}
    address = f"/clients/{rassvet.id}"
    text = browser.post("/clients/new/hits", data=typed | {"say-unsure": rassvet.id}).get_data(as_text=True)
    assert address in text and f'name="unsure" value="{rassvet.id}"' in text and 'aria-pressed="true"' in text
    again = {"unsure": rassvet.id, "say-unsure": rassvet.id}
    assert 'name="unsure"' not in browser.post("/clients/new/hits", data=typed | again).get_data(as_text=True)
    text = browser.post("/clients/new/hits", data=typed | {"say-other": rassvet.id}).get_data(as_text=True)
    assert f'name="other" value="{rassvet.id}"' in text and address not in text and "told apart" in text
    assert browser.post("/clients", data=typed | {"other": [rassvet.id, "x", 99999, -1]}).status_code == 303
    made = session.scalars(select(Client).order_by(Client.id.desc())).first()
    assert made is not None and made.id != rassvet.id
    assert verdicts.others(session, made.id) == {rassvet.id} and verdicts.others(session, rassvet.id) == {made.id}
    bad = browser.post("/clients", data={"name": "x" * 300, "unsure": rassvet.id}, headers={"HX-Request": "true"})
    assert bad.status_code == 422 and f'name="unsure" value="{rassvet.id}"' in bad.get_data(as_text=True)


def test_what_was_typed_of_a_card_that_is_there_joins_it(sign_in: SignIn, rassvet: Client, session: Session) -> None:
    rassvet.what_it_does = "Windows"
    session.commit()
    had = len(rassvet.contact_points)
    typed = {"name": "Rassvet LLC", "phone": "8 812 345-67-89; 8 916 000-11-22", "email": "new@rassvet.ru.",
             "surname": "Орлова", "given_name": "Pavel", "position": "Director", "what_it_does": "Doors",
             "reason": "Prices", "deal": "Six windows"}  # fmt: skip
    answer = sign_in("anna").post(f"/clients/{rassvet.id}/same", data=typed)
    assert answer.status_code == 303 and answer.headers["Location"].endswith(f"/clients/{rassvet.id}")
    session.expire_all()
    assert len(rassvet.people) == 1 and rassvet.people[0].position == "Director"
    assert [point.value for point in rassvet.contact_points[had:]] == ["8 812 345-67-89", "8 916 000-11-22"]
    assert (rassvet.what_it_does, rassvet.reason) == ("Windows", "Prices")
    assert "What it does: Doors" in rassvet.note and "E-mail: new@rassvet.ru." in rassvet.note
    assert "Company" not in rassvet.note
    assert session.scalars(select(Deal.title).where(Deal.client_id == rassvet.id)).all() == ["Six windows"]
    assert match.find(session, {"phone": "+7 916 000 11 22"}, "RU")[0].client_id == rassvet.id
    typed = {"surname": "Zimin", "phone": "8 916 000-11-33"}
    assert sign_in("anna").post(f"/clients/{rassvet.id}/same", data=typed).status_code == 303
    session.expire_all()
    assert [person.surname for person in rassvet.people][1:] == ["Zimin"]
    assert sign_in("admin").post(f"/clients/{rassvet.id}/same", data=typed).status_code == 403
    assert sign_in("anna").post("/clients/9999/same", data=typed).status_code == 404

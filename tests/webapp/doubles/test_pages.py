"""The pages of doubles: they work, they keep strangers out, they lead on from a merged card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.clients.conftest import make_card as make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import merged
from webapp.clients.models import Client
from webapp.doubles.models import Merge
from webapp.rules.models import ExtraField, ExtraValue
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


def nobody(app: Flask) -> FlaskClient:
    g.pop("_login_user", None)
    return app.test_client()


@pytest.fixture
def pair(make_card: Maker) -> tuple[Client, Client]:
    """Cards 1 and 2."""
    left = make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov", note="calls in May", product="windows")
    return left, make_card("Rassvet Ltd", ("8 495 123-45-67",), surname="Орлов", note="pays late", volume="10")


def merge(client: FlaskClient, **data: str) -> str:
    """Merge cards 1 and 2; the address it leads to."""
    answer = client.post("/doubles/1/2", data={"survivor": "left", "why": "same phone", **data}, headers=HTMX)
    assert answer.status_code == 204, answer.get_data(as_text=True)
    return answer.headers["HX-Redirect"]


PAGES = ["/doubles/1/2", "/clients/1/merges"]
POSTS = ["/doubles/1/2", "/doubles/merges/1/undo"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_for_those_who_sell(
    app: Flask, sign_in: SignIn, pair: tuple[Client, Client], address: str, session: Session
) -> None:
    for login, status in (("anna", 200), ("secretary", 200), ("admin", 403)):
        g.pop("_login_user", None)
        assert sign_in(login).get(address).status_code == status
    assert "/login" in nobody(app).get(address).headers["Location"]


@pytest.mark.parametrize("address", POSTS)
def test_changes_are_for_those_who_sell(app: Flask, sign_in: SignIn, pair: tuple[Client, Client], address: str) -> None:
    assert sign_in("admin").post(address).status_code == 403
    assert "/login" in nobody(app).post(address).headers["Location"]


@pytest.mark.parametrize("address", ["/doubles/1/999", "/doubles/999/1", "/clients/999/merges"])
def test_cards_that_are_not_there(sign_in: SignIn, pair: tuple[Client, Client], address: str) -> None:
    assert sign_in("anna").get(address).status_code == 404


@pytest.mark.parametrize("address", ["/doubles/1/999", "/doubles/merges/999/undo"])
def test_changes_of_what_is_not_there(sign_in: SignIn, pair: tuple[Client, Client], address: str) -> None:
    assert sign_in("anna").post(address).status_code == 404


def test_two_cards_side_by_side(sign_in: SignIn, pair: tuple[Client, Client], count_queries: Callable[[], int]) -> None:
    anna = sign_in("anna")
    anna.get("/doubles/1/2")
    before = count_queries()
    page = anna.get("/doubles/1/2").get_data(as_text=True)
    assert count_queries() - before <= 22
    assert "Rassvet Ltd" in page and "calls in May" in page and "pays late" in page
    assert "on both, kept once" in page and "the same as Orlov" in page
    assert 'name="field:note" value="both"' in page and 'name="field:name" value="both"' not in page


def test_the_head_s_own_fields_are_shown_as_people_write_them(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session
) -> None:
    field = ExtraField(key="until", names={"en": "Contract until"}, kind="date", rank=1)
    session.add(field)
    session.flush()
    session.add(ExtraValue(client_id=pair[1].id, field_id=field.id, text="2027-06-11"))
    session.commit()
    anna = sign_in("anna")
    page = anna.get("/doubles/1/2").get_data(as_text=True)
    assert "11 Jun 2027" in page and "2027-06-11" not in page
    merge(anna, **{"field:extra:until": "right"})
    kept = session.scalars(select(ExtraValue).where(ExtraValue.client_id == 1)).one()
    assert kept.text == "2027-06-11"
    assert "11 Jun 2027" in anna.get("/clients/1/changes").get_data(as_text=True)


def test_a_merge_goes_to_the_survivor_and_is_undone_from_its_card(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session
) -> None:
    anna = sign_in("anna")
    assert merge(anna, **{"field:note": "both", "field:name": "right"}) == "/clients/1"
    session.expire_all()
    assert (pair[0].name, pair[0].note) == ("Rassvet Ltd", "calls in May\npays late")
    assert "can be undone" in anna.get("/clients/1").get_data(as_text=True)
    part = anna.get("/clients/1/merges").get_data(as_text=True)
    assert "Merged with “Rassvet Ltd” by Anna Petrova" in part and "same phone" in part and "Undo" in part
    answer = anna.post("/doubles/merges/1/undo", data={"client": "1"}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/clients/1"
    assert anna.get("/clients/2").status_code == 200
    part = anna.get("/clients/2/merges").get_data(as_text=True)
    assert "Was merged into “Rassvet”" in part and "undone by Anna Petrova" in part
    for client_id, other in ((1, "Rassvet Ltd"), (2, "Rassvet")):
        past = anna.get(f"/clients/{client_id}/history").get_data(as_text=True)
        assert f"<b>Merged with</b> {other} " in past, "each names the other one"


def test_a_refused_merge_keeps_what_was_chosen_and_typed(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session
) -> None:
    anna = sign_in("anna")
    person = pair[1].people[0].id
    data = {"survivor": "right", "field:note": "both", "why": "", "two": str(person)}
    answer = anna.post("/doubles/1/2", data=data, headers=HTMX)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "<html" not in page and "Write why" in page
    assert 'value="both" checked' in page and 'name="survivor" value="right" checked' in page
    assert f'name="one" value="{person}">' in page, "that they are two people is forgotten"
    assert session.scalars(select(Merge)).all() == []


@pytest.mark.parametrize(
    "data",
    [
        {"survivor": "both", "field:note": "mine", "field:nothing": "left", "two": "x", "one": "9" * 30},
        {"survivor": "", "field:id": "right", "field:merged_into_id": "right", "two": "999"},
    ],
)
def test_nonsense_in_the_form_changes_nothing_but_the_merge(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session, data: dict[str, str]
) -> None:
    assert merge(sign_in("anna"), **data) == "/clients/1"


def test_a_colleague_s_client_is_for_the_head(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session, office: dict[str, User]
) -> None:
    pair[1].owner_id = office["boris"].id
    session.commit()
    anna = sign_in("anna")
    page = anna.get("/doubles/1/2").get_data(as_text=True)
    assert "the head of sales merges them" in page and ">Merge</button>" not in page
    answer = anna.post("/doubles/1/2", data={"survivor": "left", "why": "x"}, headers=HTMX)
    assert answer.status_code == 422 and "Propose it" in answer.get_data(as_text=True)
    assert merge(sign_in("head")) == "/clients/1"


def test_who_comes_second_is_told(sign_in: SignIn, pair: tuple[Client, Client]) -> None:
    merge(sign_in("anna"))
    answer = sign_in("head").post("/doubles/1/2", data={"survivor": "left", "why": "x"}, headers=HTMX)
    assert answer.status_code == 422
    assert "was merged into another card meanwhile: Anna Petrova, today 12:00" in answer.get_data(as_text=True)


def test_an_undo_that_is_refused_says_why(sign_in: SignIn, pair: tuple[Client, Client], clock: Clock) -> None:
    anna = sign_in("anna")
    merge(anna)
    clock.move(days=10)
    assert anna.post("/doubles/merges/1/undo", headers=HTMX).status_code == 204
    answer = anna.post("/doubles/merges/1/undo", headers=HTMX)
    assert answer.status_code == 422 and "undone already" in answer.get_data(as_text=True)


def test_after_thirty_days_nothing_offers_an_undo(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session, clock: Clock
) -> None:
    merge(sign_in("head"))
    session.execute(Merge.__table__.update().values(at=clock() - timedelta(days=31)))  # type: ignore[attr-defined]
    session.commit()
    head = sign_in("head")
    part = head.get("/clients/1/merges").get_data(as_text=True)
    assert "Merged with" in part and "Undo" not in part
    assert "30 days" in head.post("/doubles/merges/1/undo", headers=HTMX).get_data(as_text=True)


# A merged card's address


def test_a_merged_card_s_address_leads_to_the_survivor(
    sign_in: SignIn, pair: tuple[Client, Client], make_card: Maker, session: Session
) -> None:
    anna = sign_in("anna")
    merge(anna)
    third = make_card("Granit")
    data = {"survivor": "left", "why": "x"}
    assert anna.post(f"/doubles/{third.id}/1", data=data, headers=HTMX).status_code == 204
    assert merged.lead(session, 2) == third.id
    answer = anna.get("/clients/2")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/clients/{third.id}")
    answer = anna.get("/clients/2/history?before=5")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/clients/{third.id}/history?before=5")
    for part in ("/clients/2", "/clients/2/aside", "/clients/2/history"):
        assert anna.get(part, headers=HTMX).headers["HX-Redirect"] == f"/clients/{third.id}"
    assert anna.get("/doubles/2/999").status_code == 404
    assert anna.get(f"/doubles/2/{third.id}").headers["Location"] == "/clients/2"


def test_what_is_typed_on_a_merged_card_is_saved_on_the_survivor(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session
) -> None:
    anna = sign_in("anna")
    merge(anna)
    assert anna.post("/clients/2/fields/delivery", data={"value": "by rail"}, headers=HTMX).status_code == 200
    session.expire_all()
    assert (pair[0].delivery, pair[1].delivery) == ("by rail", "")


def test_what_is_typed_of_somebody_who_was_on_both_cards_is_saved_too(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session
) -> None:
    anna, person, point = sign_in("anna"), pair[1].people[0].id, pair[1].contact_points[0].id
    merge(anna)
    answer = anna.post(f"/clients/2/people/{person}/fields/position", data={"value": "Director"}, headers=HTMX)
    assert answer.status_code == 200
    answer = anna.post(f"/clients/2/contacts/{point}", data={"value": "+7 495 123-45-68"}, headers=HTMX)
    assert answer.status_code == 200
    session.expire_all()
    assert [one.position for one in pair[0].people] == ["Director"]
    assert [one.value for one in pair[0].contact_points] == ["+7 495 123-45-68"]
    assert anna.post("/clients/2/people/999/fields/position", data={"value": "x"}, headers=HTMX).status_code == 404


def test_lists_do_not_show_a_merged_card(sign_in: SignIn, pair: tuple[Client, Client]) -> None:
    anna = sign_in("anna")
    merge(anna, **{"field:name": "left"})
    for address in ("/clients", "/clients?q=rassvet", "/clients?q=4951234567"):
        page = anna.get(address).get_data(as_text=True)
        assert 'href="/clients/1"' in page and 'href="/clients/2"' not in page


def test_strangers_learn_nothing_of_merges(app: Flask, sign_in: SignIn, pair: tuple[Client, Client]) -> None:
    merge(sign_in("head"))
    assert "/login" in nobody(app).get("/clients/2").headers["Location"]


# Choosing the other card by hand


def test_the_other_card_is_offered_or_looked_for(
    sign_in: SignIn, pair: tuple[Client, Client], make_card: Maker, count_queries: Callable[[], int]
) -> None:
    make_card("Granit")
    anna = sign_in("anna")
    page = anna.get("/clients/1/merge").get_data(as_text=True)
    assert 'href="/doubles/1/2"' in page and "same phone" in page and "/doubles/1/3" not in page
    page = anna.post("/clients/1/merge/find", data={"q": "granit"}, headers=HTMX).get_data(as_text=True)
    assert 'href="/doubles/1/3"' in page and "/doubles/1/2" not in page and "<html" not in page
    page = anna.post("/clients/1/merge/find", data={"q": "rassvet"}, headers=HTMX).get_data(as_text=True)
    assert "/doubles/1/1" not in page, "a card is no double of itself"
    anna.post("/doubles/1/2/verdict", data={"verdict": "other"}, headers=HTMX)
    page = anna.get("/clients/1/merge").get_data(as_text=True)
    assert "/doubles/1/2" not in page, "told apart, so not offered again"
    for typed in ("", "zzzz", "%", "x" * 500):
        assert anna.post("/clients/1/merge/find", data={"q": typed}, headers=HTMX).status_code == 200
    for address in ("/clients/999/merge", "/clients/999/split"):
        assert anna.get(address).status_code == 404
    assert anna.post("/clients/999/merge/find").status_code == 404


# Splitting


@pytest.mark.parametrize(("login", "status"), [("anna", 200), ("head", 200), ("secretary", 403), ("admin", 403)])
def test_who_may_split(sign_in: SignIn, pair: tuple[Client, Client], login: str, status: int) -> None:
    assert sign_in(login).get("/clients/2/split").status_code == status
    assert sign_in(login).post("/clients/2/split").status_code == (422 if status == 200 else status)


def test_a_card_is_split_and_put_together_again(sign_in: SignIn, pair: tuple[Client, Client], session: Session) -> None:
    anna, person = sign_in("anna"), pair[1].people[0].id
    page = anna.get("/clients/2/split").get_data(as_text=True)
    assert "Орлов" in page and "8 495 123-45-67" in page
    data = {"people": str(person), "name": "Orlov & Sons", "why": "two firms"}
    answer = anna.post("/clients/2/split", data=data, headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/clients/3"
    assert "Split off from “Rassvet Ltd” by Anna Petrova" in anna.get("/clients/3/merges").get_data(as_text=True)
    part = anna.get("/clients/2/merges").get_data(as_text=True)
    assert "“Orlov &amp; Sons” was split off by Anna Petrova" in part and "two firms" in part
    for client_id, told in ((2, "<b>Split off</b> Orlov &amp; Sons "), (3, "<b>Split off from</b> Rassvet Ltd ")):
        assert told in anna.get(f"/clients/{client_id}/history").get_data(as_text=True)
    answer = anna.post("/doubles/merges/1/undo", data={"client": "3"}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/clients/2"
    assert anna.get("/clients/3").headers["Location"] == "/clients/2"


def test_a_refused_split_keeps_what_was_ticked_and_typed(sign_in: SignIn, pair: tuple[Client, Client]) -> None:
    anna, person = sign_in("anna"), pair[1].people[0].id
    data = {"people": str(person), "points": ["x", "9" * 30], "name": "x" * 201, "why": "two firms"}
    answer = anna.post("/clients/2/split", data=data, headers=HTMX)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "At most 200 characters" in page and "<html" not in page
    assert f'name="people" value="{person}" checked' in page and 'value="two firms"' in page
    answer = anna.post("/clients/2/split", data={"name": "Orlov"}, headers=HTMX)
    assert answer.status_code == 422 and "Tick what belongs" in answer.get_data(as_text=True)


def test_the_split_page_asks_little_however_long_the_past(
    sign_in: SignIn, pair: tuple[Client, Client], session: Session, clock: Clock, count_queries: Callable[[], int]
) -> None:
    anna = sign_in("anna")
    anna.get("/clients/2/split")
    before = count_queries()
    anna.get("/clients/2/split")
    few = count_queries() - before
    for number in range(150):
        session.add(Touch(started_at=clock(), client_id=2, person_id=pair[1].people[0].id, note=str(number)))
    session.commit()
    anna.get("/clients/2/split")
    before = count_queries()
    page = anna.get("/clients/2/split").get_data(as_text=True)
    assert count_queries() - before <= few <= 14
    assert page.count('name="touches"') == 100


@pytest.mark.parametrize(
    "query", ["endpoint=x", "_external=1", "_scheme=javascript", "_anchor=x", "client_id=9", "a=1&a=2"]
)
def test_what_follows_a_merged_card_s_address_leads_nowhere_else(
    sign_in: SignIn, pair: tuple[Client, Client], query: str
) -> None:
    anna = sign_in("anna")
    merge(anna)
    answer = anna.get(f"/clients/2?{query}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/clients/1?{query}")

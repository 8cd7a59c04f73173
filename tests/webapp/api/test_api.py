"""The JSON API: it lets in who has a token, follows the forms' rules, and makes nothing twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.api.conftest import Program, TokenOf
from tests.webapp.clients.conftest import Maker, make_card  # noqa: F401
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.api import incoming, tokens
from webapp.api.models import ApiMade, ApiToken
from webapp.clients import match
from webapp.clients.models import CardChange, Client
from webapp.office.models import ClientStatus, ClientType, Region
from webapp.reports.labels import DOORS
from webapp.rules import transitions
from webapp.rules.models import ExtraField, Transition
from webapp.tasks.models import Task
from webapp.touches.models import NEXT_KINDS, Touch

Programs = Callable[..., Program]
GRANIT = {
    "name": "Granit LLC",
    "website": "granit.example",
    "category": "B",
    "persons": [
        {
            "surname": "Belkin",
            "given_name": "Ivan",
            "contacts": [
                {"kind": "phone", "value": "8 (495) 555-00-21"},
                {"kind": "email", "value": "i@granit.example"},
            ],
        },
        {"surname": "Серова", "contacts": [{"kind": "mobile", "value": "+7 916 555 00 22", "preferred": True}]},
    ],
    "contacts": [{"kind": "phone", "value": "+7 495 555-00-23"}],
}  # fmt: skip


# Who is let in


def test_without_a_token_nothing_is_told(app: Flask, office: dict[str, User]) -> None:
    client = app.test_client()
    for headers in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer srt_x"},
    ):
        answer = client.get("/api/v1/clients", headers=headers)
        assert answer.status_code == 401 and answer.mimetype == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_signed_in_browser_is_not_let_in(sign_in: Callable[[str], FlaskClient]) -> None:
    assert sign_in("head").get("/api/v1/clients").status_code == 401


def test_no_cookie_is_set_and_no_other_site_is_let_in(program: Programs) -> None:
    answer = program().get("/me")
    assert answer.status_code == 200 and answer.json["user"]["name"] == "Anna Petrova" and answer.json["may_write"]
    assert "Set-Cookie" not in answer.headers
    assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_that_may_only_read(program: Programs, session: Session) -> None:
    reader = program("anna", may_write=False)
    assert reader.get("/clients").status_code == 200
    assert reader.post("/clients", GRANIT).status_code == 403
    assert session.scalar(select(func.count(Client.id))) == 0


def test_an_ended_token_and_one_of_somebody_who_left(
    program: Programs, session: Session, office: dict[str, User], clock: Clock
) -> None:
    ended, left = program("anna"), program("boris")
    tokens.end(session, session.scalars(select(ApiToken).where(ApiToken.user_id == office["anna"].id)).one(), clock())
    office["boris"].active = False
    session.commit()
    assert ended.get("/me").status_code == left.get("/me").status_code == 401


def test_the_text_of_a_token_is_kept_nowhere_and_its_use_is_told(
    program: Programs, session: Session, clock: Clock
) -> None:
    one = program()
    token = session.scalars(select(ApiToken)).one()
    assert token.digest == tokens.digest(one.secret) and one.secret not in str(vars(token))
    one.get("/me")
    session.expire_all()
    assert token.used_at == clock()


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(app: Flask, program: Programs, clock: Clock) -> None:
    client, wrong = app.test_client(), {"Authorization": "Bearer srt_" + "x" * 43}
    found = [client.get("/api/v1/me", headers=wrong).status_code for _ in range(12)]
    assert found == [401] * 10 + [429] * 2
    assert program().get("/me").status_code == 200
    clock.move(minutes=16)
    assert client.get("/api/v1/me", headers=wrong).status_code == 401


def test_too_many_requests(app: Flask, program: Programs, clock: Clock) -> None:
    app.config["API_PER_MINUTE"] = 3
    one, other = program("anna"), program("boris")
    clock.move(hours=1)
    assert [one.get("/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert other.get("/me").status_code == 200
    clock.move(minutes=1)
    assert one.get("/me").status_code == 200


# Errors


def test_what_is_not_there(program: Programs) -> None:
    one = program()
    for path in ("/clients/99", "/clients/0", "/clients/x", "/clients/99999999999999", "/touches/9", "/nothing"):
        answer = one.get(path)
        assert answer.status_code == 404 and answer.mimetype == "application/problem+json", path
    answer = one.post("/me", {})
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"), ({"limit": "1.0"}, "limit"), ({"after": "-1"}, "after"), ({"nope": "1"}, "nope"),
        ({"created_from": "yesterday"}, "created_from"), ({"created_from": "2026-03-10T09:00:00"}, "created_from"),
        ({"category": "D"}, "category"), ({"q": "x" * 201}, "q"), ({"limit": ["1", "2"]}, "limit"),
    ],
)  # fmt: skip
def test_a_query_that_does_not_fit(program: Programs, query: dict[str, Any], field: str) -> None:
    answer = program().get("/clients", **query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"), ({"name": "  "}, "name"), ({"name": 5}, "name"), ({"nam": "x"}, "nam"),
        ({"name": "x" * 201}, "name"), ({"name": "x", "category": "D"}, "category"),
        ({"name": "x", "status_id": 999}, "status_id"), ({"name": "x", "status_id": "1"}, "status_id"),
        ({"name": "x", "contacts": [{"kind": "fox", "value": "1"}]}, "contacts.0.kind"),
        ({"name": "x", "contacts": [{"kind": "phone", "value": " "}]}, "contacts.0.value"),
        ({"name": "x", "persons": [{"position": "buyer"}, {}]}, "persons.1.surname"),
        ({"name": "x", "extra": {"nothing": "1"}}, "extra.nothing"), ({"name": "x", "owner_id": 6}, "owner_id"),
        ({"name": "x", "channel_id": 999}, "channel_id"), ([], ""), ("x", ""),
    ],
)  # fmt: skip
def test_a_card_that_does_not_fit(program: Programs, session: Session, body: Any, field: str) -> None:
    answer = program().post("/clients", body, key="k")
    assert answer.status_code == 422, answer.json
    assert answer.json["errors"][0]["field"] == field and answer.json["errors"][0]["message"]
    assert session.scalar(select(func.count(Client.id))) == 0 and session.scalar(select(func.count(ApiMade.id))) == 0


def test_a_body_that_is_no_json(app: Flask, token_of: TokenOf) -> None:
    client = app.test_client()
    headers = {"Authorization": f"Bearer {token_of('anna')}"}

    def send(data: bytes, kind: str = "application/json") -> int:
        answer = client.post("/api/v1/clients", data=data, headers=headers, content_type=kind)
        assert answer.mimetype == "application/problem+json"
        return answer.status_code

    assert send(b"{") == send(b'{"name": "\xff"}') == send(b"") == send(b'{"name": "\\ud800"}') == 400
    assert send(b'{"name": "x"}', "text/plain") == 415
    assert send(b'{"name": "' + b"x" * 300_000 + b'"}') == 413
    assert send(b'{"name": NaN}') in (400, 422)
    assert send(b"[" * 100_000) in (400, 422)


# Cards


def test_a_card_is_made_as_the_form_makes_it(program: Programs, session: Session, office: dict[str, User]) -> None:
    anna = program()
    answer = anna.post("/clients", GRANIT)
    assert answer.status_code == 201, answer.json
    made = answer.json
    assert answer.headers["Location"] == f"/api/v1/clients/{made['id']}"
    assert anna.get(f"/clients/{made['id']}").json == made
    assert (made["name"], made["category"], made["owner"]["name"]) == ("Granit LLC", "B", "Anna Petrova")
    ivan, olga = made["persons"]
    assert [(one["kind"], one["normal"]) for one in ivan["contacts"]] == [
        ("phone", "+74955550021"), ("email", "i@granit.example"),
    ]  # fmt: skip
    assert olga["contacts"][0]["preferred"] and olga["surname"] == "Серова"
    assert [one["normal"] for one in made["contacts"]] == ["+74955550023"]
    found = match.by_number(session, "+74955550023", "RU")
    assert [one.client_id for one in found] == [made["id"]]
    assert set(session.scalars(select(CardChange.source))) == {"api"}
    assert set(session.scalars(select(CardChange.user_id))) == {office["anna"].id}


def test_a_number_alone_is_a_card_and_so_is_everything_at_once(program: Programs, session: Session) -> None:
    anna = program()
    assert anna.post("/clients", {"contacts": [{"kind": "phone", "value": "no number at all"}]}).status_code == 201
    texts = {
        name: f"{name} \0 text"
        for name in incoming.ClientFields.model_fields
        if name not in ("kind", "category", "caller_kind", "extra") and not name.endswith("_id")
    }
    answer = anna.post("/clients", {**texts, "kind": "private", "caller_kind": "later", "deal": "Windows"})
    assert answer.status_code == 201, answer.json
    assert {name: answer.json[name] for name in texts} == {
        name: text.replace("\0", "") if name == "note" else " ".join(text.replace("\0", "").split())
        for name, text in texts.items()
    }


def test_fields_of_a_card_are_changed(
    program: Programs,
    session: Session,
    make_card: Maker,  # noqa: F811
    office: dict[str, User],
) -> None:
    card, region = make_card("Granit"), Region(names={"en": "Kazan"})
    session.add_all([region, ExtraField(key="size", names={"en": "Size"}, kind="number")])
    session.commit()
    anna = program()
    sent = {"name": "Granit LLC", "region_id": region.id, "owner_id": office["anna"].id, "extra": {"size": "12,5"}}
    answer = anna.patch(f"/clients/{card.id}", {**sent, "was": {"name": "Granit", "region_id": None}})
    assert answer.status_code == 200, answer.json
    assert (answer.json["name"], answer.json["region"]["id"], answer.json["extra"]) == (
        "Granit LLC", region.id, {"size": "12.5"},
    )  # fmt: skip
    assert answer.json["owner"]["id"] == office["anna"].id
    lines = session.execute(select(CardChange.field, CardChange.source).order_by(CardChange.id)).all()
    assert {tuple(one) for one in lines} == {(name, "api") for name in ("name", "region", "owner", "extra:size")}
    assert anna.patch(f"/clients/{card.id}", {"region_id": None, "extra": {"size": ""}}).json["region"] is None
    assert anna.get("/clients", q="granit llc").json["items"][0]["extra"] == {}, "found by its new name"
    assert anna.patch(f"/clients/{card.id}", {}).json["name"] == "Granit LLC"


def test_a_field_changed_meanwhile_is_not_written_over(
    program: Programs,
    session: Session,
    make_card: Maker,  # noqa: F811
) -> None:
    card, anna = make_card("Granit"), program()
    assert anna.patch(f"/clients/{card.id}", {"volume": "forty", "was": {"volume": ""}}).status_code == 200
    answer = anna.patch(f"/clients/{card.id}", {"name": "Other", "volume": "ten", "was": {"volume": ""}})
    assert answer.status_code == 409
    assert answer.json["changed"] == [{"field": "volume", "theirs": "forty", "mine": "ten"}]
    session.expire_all()
    assert (card.name, card.volume) == ("Granit", "forty"), "nothing half changed"


def test_changes_that_do_not_fit_are_refused(
    program: Programs,
    session: Session,
    make_card: Maker,  # noqa: F811
    office: dict[str, User],
) -> None:
    card, merged = make_card("Granit", owner_id=office["boris"].id), make_card("Gone")
    merged.merged_into_id = card.id
    session.commit()
    anna, at = program(), f"/clients/{card.id}"
    answer = anna.patch(at, {"name": "x", "region_id": 999, "owner_id": office["anna"].id, "extra": {"shoe": "1"}})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["region_id", "owner_id", "extra.shoe"]
    session.expire_all()
    assert card.name == "Granit"
    for body in ({"nme": "x"}, {"name": 3}, {"category": "D"}, {"was": {"persons": []}}, []):
        assert anna.patch(at, body).status_code == 422, body
    assert anna.patch("/clients/999", {"name": "x"}).status_code == 404
    answer = anna.patch(f"/clients/{merged.id}", {"name": "x"})
    assert answer.status_code == 308 and answer.headers["Location"].endswith(at)
    assert program("boris", False).patch(at, {"name": "x"}).status_code == 403


def test_the_head_gives_a_reason_for_a_status_against_the_rules(
    program: Programs,
    session: Session,
    make_card: Maker,  # noqa: F811
) -> None:
    card, status = make_card("Granit"), session.scalars(select(ClientStatus).order_by(ClientStatus.id)).first()
    assert status is not None
    session.add(Transition(grid=transitions.STATUS, before="", after=str(status.id), allowed=False))
    session.commit()
    head, at = program("head"), f"/clients/{card.id}"
    assert head.patch(at, {"status_id": status.id}).status_code == 422
    assert program("anna").patch(at, {"status_id": status.id, "why": "please"}).status_code == 422
    assert head.patch(at, {"status_id": status.id, "why": "Our founder knows them"}).status_code == 200
    noted = session.scalars(select(CardChange).where(CardChange.field == "status")).one()
    assert noted.why == "Our founder knows them"


def test_a_card_that_may_be_there_is_not_made_unasked(program: Programs, session: Session) -> None:
    anna = program()
    first = anna.post("/clients", GRANIT).json
    again = {"name": "GRANIT", "contacts": [{"kind": "mobile", "value": "495 5550023"}]}
    answer = anna.post("/clients", again)
    assert answer.status_code == 409
    [candidate] = answer.json["candidates"]
    assert (candidate["id"], candidate["name"], candidate["url"]) == (
        first["id"], "Granit LLC", f"/clients/{first['id']}",
    )  # fmt: skip
    assert candidate["reasons"] and session.scalar(select(func.count(Client.id))) == 1
    assert anna.post("/clients", again | {"even_if_found": True}).status_code == 201


def test_a_request_that_is_repeated_makes_nothing_twice(program: Programs, session: Session, clock: Clock) -> None:
    anna, boris = program("anna"), program("boris")
    first = anna.post("/clients", GRANIT, key="order-17")
    again = anna.post("/clients", GRANIT, key="order-17")
    assert first.status_code == again.status_code == 201 and first.json == again.json
    assert again.headers["Location"] == first.headers["Location"]
    other = anna.post("/clients", {"name": "Other"}, key="order-17")
    assert other.status_code == 409 and session.scalar(select(func.count(Client.id))) == 1
    assert boris.post("/clients", {"name": "Bazalt"}, key="order-17").status_code == 201
    assert anna.post("/clients", {"name": "x"}, key="with blank").status_code == 422
    clock.move(days=3)
    assert anna.post("/clients", {"name": "Other"}, key="order-17").status_code == 201


def test_what_a_repeated_request_made_was_deleted(program: Programs, session: Session) -> None:
    anna = program()
    made = anna.post("/clients", {"name": "Bazalt"}, key="k").json["id"]
    session.delete(session.get_one(Client, made))
    session.commit()
    assert anna.post("/clients", {"name": "Bazalt"}, key="k").status_code == 409


def test_cards_are_read_page_by_page(program: Programs, make_card: Maker, office: dict[str, User]) -> None:  # noqa: F811
    cards = [make_card(f"Firm {number}", (f"+7 495 100-00-{number:02}",)) for number in range(7)]
    cards[3].merged_into_id, cards[4].owner_id = cards[2].id, office["boris"].id
    anna, seen, after = program(), [], 0
    while after is not None:
        page = anna.get("/clients", limit=3, after=after).json
        seen += [one["name"] for one in page["items"]]
        after = page["next"]
    assert seen == [f"Firm {number}" for number in (0, 1, 2, 4, 5, 6)]
    names = [one["name"] for one in anna.get("/clients", owner_id=office["boris"].id).json["items"]]
    assert names == ["Firm 4"]
    assert [one["name"] for one in anna.get("/clients", q="1000005").json["items"]] == ["Firm 5"]
    assert anna.get("/clients", created_until="2020-01-01T00:00:00Z").json["items"] == []


def test_a_page_asks_few_questions(
    program: Programs, make_card: Maker, count_queries: Callable[[], int]  # noqa: F811
) -> None:  # fmt: skip
    anna = program()
    make_card("Firm", ("+7 495 100-00-99",))

    def cost() -> int:
        anna.get("/clients")
        before = count_queries()
        assert anna.get("/clients").status_code == 200
        return count_queries() - before

    one = cost()
    for number in range(20):
        make_card(f"Firm {number}", (f"+7 495 100-00-{number:02}",), surname="Orlov")
    assert cost() == one <= 8


def test_the_address_of_a_merged_card_leads_on(program: Programs, make_card: Maker, session: Session) -> None:  # noqa: F811
    kept, gone = make_card("Rassvet"), make_card("Rassvet two")
    gone.merged_into_id = kept.id
    session.commit()
    answer = program().get(f"/clients/{gone.id}/touches", limit=5)
    assert answer.status_code == 308 and answer.json["client_id"] == kept.id
    assert answer.headers["Location"] == f"/api/v1/clients/{kept.id}/touches"


def test_a_new_card_gets_its_status_type_and_region(program: Programs, session: Session) -> None:
    status, kind = session.scalars(select(ClientStatus)).first(), session.scalars(select(ClientType)).first()
    region = Region(names={"en": "Kazan"})
    session.add(region)
    session.commit()
    assert status and kind
    sent = {"name": "Granit", "status_id": status.id, "type_id": kind.id, "region_id": region.id}
    made = program().post("/clients", sent).json
    assert {name: made[name]["id"] for name in ("status", "type", "region")} == {
        "status": status.id, "type": kind.id, "region": region.id
    }  # fmt: skip
    answer = program().post("/clients", {"name": "Bazalt", "type_id": 999})
    assert answer.status_code == 422 and "type_id" in answer.get_data(as_text=True)
    assert session.scalars(select(Client.name)).all() == ["Granit"]


def test_a_status_that_the_heads_grid_forbids_is_refused(program: Programs, session: Session) -> None:
    first, second, *_more = session.scalars(select(ClientStatus).order_by(ClientStatus.rank)).all()
    session.add(Transition(grid=transitions.STATUS, before="", after=str(second.id), allowed=False))
    session.commit()
    answer = program().post("/clients", {"name": "Granit", "status_id": second.id})
    assert answer.status_code == 422 and "status_id" in answer.get_data(as_text=True)
    assert session.scalars(select(Client)).all() == []
    assert program().post("/clients", {"name": "Granit", "status_id": first.id}).status_code == 201


# Touches


def test_a_touch_is_written_down(
    program: Programs, make_card: Maker, ids: dict[str, int], session: Session, clock: Clock, office: dict[str, User]  # noqa: F811
) -> None:  # fmt: skip
    card = make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov")
    anna, next_at = program(), clock() + timedelta(days=1)
    sent = {
        "door": "mail", "purpose_id": ids["price"], "outcome_id": ids["meeting"], "next_at": next_at.isoformat(),
        "next_kind": "meeting_ours", "note": "wants windows", "person_id": card.people[0].id,
    }  # fmt: skip
    answer = anna.post(f"/clients/{card.id}/touches", sent, key="t1")
    assert answer.status_code == 201, answer.json
    made = answer.json
    assert made["finished"] and made["person"]["name"] == "Orlov" and made["client"]["id"] == card.id
    assert anna.post(f"/clients/{card.id}/touches", sent, key="t1").json == made
    assert anna.get(f"/touches/{made['id']}").json == made
    assert anna.get(f"/clients/{card.id}/touches").json == anna.get("/touches").json == {"items": [made], "next": None}
    task = session.scalars(select(Task)).one()
    assert (task.due_at, task.client_id, task.user_id) == (next_at, card.id, office["anna"].id)
    assert program("boris").get("/touches").json["items"] == []
    assert program("head").get("/touches", client_id=card.id).json["items"] == [made]


def test_a_touch_with_somebody_unknown(program: Programs, ids: dict[str, int], session: Session) -> None:
    anna = program()
    answer = anna.post("/touches", {"door": "visit", "note": "asked for the way", "finished": False})
    assert answer.status_code == 201 and answer.json["client"] is None and not answer.json["finished"]
    assert program("boris").get(f"/touches/{answer.json['id']}").status_code == 404
    assert anna.post("/touches", {"door": "visit", "client_id": 99}).json["errors"][0]["field"] == "client_id"


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({}, {"purpose_id", "outcome_id", "next_at"}),
        ({"purpose_id": "price"}, {"outcome_id", "next_at"}),
        ({"purpose_id": "price", "outcome_id": "meeting"}, {"next_at"}),
        ({"purpose_id": "price", "outcome_id": "meeting", "next_at": "2020-01-01T00:00:00Z"}, {"next_at"}),
        ({"purpose_id": 999}, {"purpose_id"}), ({"person_id": 999}, {"person_id"}),
        ({"started_at": "2099-01-01T00:00:00Z"}, {"started_at"}), ({"door": "window"}, {"door"}),
    ],
)  # fmt: skip
def test_a_touch_that_does_not_fit(
    program: Programs, make_card: Maker, ids: dict[str, int], session: Session, sent: dict[str, Any], fields: set[str]  # noqa: F811
) -> None:  # fmt: skip
    make_card("Rassvet")
    sent = {"door": "mail", "client_id": 1, **sent}
    sent = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in sent.items()}
    answer = program().post("/touches", sent)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json["errors"]} == fields
    assert session.scalar(select(func.count(Touch.id))) == 0


def test_the_lists_name_what_ids_mean(program: Programs, ids: dict[str, int]) -> None:
    lists = program().get("/lists").json
    assert {"id": ids["price"], "name": "Price"} in lists["purposes"]
    assert {one["closes"] for one in lists["outcomes"]} == {True, False}
    assert "Adam Kozlov" not in {one["name"] for one in lists["owners"]}


# The description


def test_the_description_needs_no_token_and_says_the_same_as_the_code(app: Flask) -> None:
    described = app.test_client().get("/api/v1/openapi.json").json
    assert described["openapi"] == "3.1.0"
    kinds = described["components"]["schemas"]["NewTouch"]["properties"]["next_kind"]["enum"]
    assert set(kinds) == {"", *NEXT_KINDS}
    assert set(described["components"]["schemas"]["NewTouch"]["properties"]["door"]["enum"]) == set(DOORS)
    references = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert references <= set(described["components"]["schemas"])


def test_a_nul_in_the_key_of_a_field(program: Callable[..., Program]) -> None:
    answer = program().post("/clients", {"name": "Granit", "extra": {"a\0b": "1"}})
    assert answer.status_code == 422 and answer.json["errors"][0]["message"] == "There is no such field."

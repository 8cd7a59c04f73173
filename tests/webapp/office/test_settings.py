"""The head's settings: kept when they make sense, refused with the words typed when not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.office.models import Channel, FreeMail, Line, PriceRange
from webapp.office.queries import the_office

SignIn = Callable[[str], FlaskClient]
SETTINGS = {
    "company": "Rassvet & Sons", "what_we_do": "windows", "greeting_phrase": "How can I help you?", "language": "ru",
    "answer_on_ring": "3", "ring_seconds": "4,5", "step_seconds": "15", "promise_minutes": "15", "ladder_days": "7",
    "opens": "8:30", "closes": "20", "workdays": ["0", "5"], "conversion_counts": "sale",
    "currency": "EUR", "wrap_up_seconds": "90",
    "longest_promise_minutes": "90", "missed_backup_minutes": "3", "missed_head_minutes": "3",
    "max_approaches": "5",
}  # fmt: skip
LINE = {"name": "site", "title": "Website", "number": "+7 495 123-45-67", "channel_id": "0", "script": "inbound",
        "language": "", "answer_on_ring": "", "record": "y", "mode": "bridge", "message_seconds": "120"}  # fmt: skip
PRICE = {"product": "Windows", "low": "12 500", "high": "48 000", "conditions": "for ten and more"}
PATHS = ("", "/lines", "/lists/channels", "/prices", "/free-mail", "/sounds")


@pytest.mark.parametrize("path", PATHS)
def test_settings_are_the_heads(app: Flask, sign_in: SignIn, path: str) -> None:
    assert sign_in("head").get(f"/settings{path}").status_code == 200
    assert sign_in("anna").get(f"/settings{path}").status_code == 403
    assert sign_in("admin").get(f"/settings{path}").status_code == 403
    assert "/login" in app.test_client().get(f"/settings{path}").headers["Location"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/lines",
        "/lines/1",
        "/lines/1/active",
        "/lists/channels",
        "/prices",
        "/prices/1",
        "/prices/1/delete",
        "/free-mail",
    ],
)
def test_only_the_head_changes_them(sign_in: SignIn, path: str) -> None:
    assert sign_in("secretary").post(f"/settings{path}").status_code == 403


@pytest.mark.parametrize("path", ["/lines/9", "/lines/9/active", "/lists/nothing", "/prices/9", "/prices/9/delete"])
def test_an_unknown_thing_is_not_found(sign_in: SignIn, path: str) -> None:
    head = sign_in("head")
    assert head.post(f"/settings{path}").status_code == 404
    for address in ("/lines?line=9", "/prices?price=9", "/lists/nothing"):
        assert head.get(f"/settings{address}").status_code == 404


def test_the_office_is_saved_and_everybody_hears_of_it(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    assert sign_in("head").post("/settings", data=SETTINGS).status_code == 303
    row = the_office(session)
    session.refresh(row)
    assert (row.company, row.language, row.answer_on_ring, row.ring_seconds) == ("Rassvet & Sons", "ru", 3, 4.5)
    assert (row.opens, row.closes, row.workdays, row.conversion_counts) == (510, 1200, [0, 5], "sale")
    told = set(session.execute(select(Feed.kind, Feed.user_id)).tuples())
    assert ("standing", None) in told and ("office", office["anna"].id) in told


def test_an_office_may_be_open_no_day(sign_in: SignIn, session: Session) -> None:
    assert sign_in("head").post("/settings", data=SETTINGS | {"workdays": []}).status_code == 303
    assert the_office(session).workdays == []


@pytest.mark.parametrize(
    "change, words",
    [
        ({"company": " "}, "Type the company&#39;s name."),
        ({"company": "x" * 121}, "At most 120 characters."),
        ({"language": "xx"}, "Not a valid choice"),
        ({"answer_on_ring": "0"}, "From 1 to 6."),
        ({"answer_on_ring": "7"}, "From 1 to 6."),
        ({"answer_on_ring": "2.5"}, "Type a whole number."),
        ({"ring_seconds": "nan"}, "Type a number."),
        ({"ring_seconds": "11"}, "From 1 to 10."),
        ({"step_seconds": "4"}, "From 5 to 120."),
        ({"promise_minutes": "121"}, "From 1 to 120."),
        ({"promise_minutes": ""}, "Type a number."),
        ({"longest_promise_minutes": "14"}, "less than what we promise to everybody"),
        ({"longest_promise_minutes": "1441"}, "From 1 to 1440."),
        ({"missed_head_minutes": "2"}, "The backups are told first"),
        ({"missed_backup_minutes": "0"}, "From 1 to 240."),
        ({"max_approaches": "21"}, "From 1 to 20."),
        ({"ladder_days": "366"}, "From 0 to 365."),
        ({"opens": "9:99"}, "such as 9:30"),
        ({"closes": "8:00"}, "The office closes after it opens."),
        ({"workdays": ["9"]}, "for this field"),
        ({"conversion_counts": "smiles"}, "Not a valid choice"),
    ],
)
def test_nonsense_is_refused_and_kept(sign_in: SignIn, session: Session, change: dict[str, str], words: str) -> None:
    answer = sign_in("head").post("/settings", data=SETTINGS | {"what_we_do": "doors & more"} | change)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in text and "doors &amp; more" in text
    for typed in change.values():
        assert not isinstance(typed, str) or not typed.strip() or f'value="{typed}"' in text or "select" in text
    assert the_office(session).company == "Northwind Windows"


def test_a_line_is_added_changed_and_retired(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    channel = session.scalars(select(Channel)).first()
    assert channel
    answer = head.post("/settings/lines", data=LINE | {"channel_id": str(channel.id), "answer_on_ring": "1"})
    assert answer.status_code == 303
    line = session.scalars(select(Line).where(Line.name == "site")).one()
    assert (line.channel_id, line.answer_on_ring, line.record, line.script) == (channel.id, 1, True, "inbound")
    page = head.get(f"/settings/lines?line={line.id}").get_data(as_text=True)
    assert "+7 495 123-45-67" in page and 'value="site"' in page
    changed = {key: value for key, value in LINE.items() if key != "record"} | {"language": "en"}
    assert head.post(f"/settings/lines/{line.id}", data=changed).status_code == 303
    session.refresh(line)
    assert (line.channel_id, line.answer_on_ring, line.record, line.language) == (None, None, False, "en")
    assert head.post(f"/settings/lines/{line.id}/active").status_code == 303
    session.refresh(line)
    assert not line.active and session.get(Line, line.id)


def test_the_last_line_stays(sign_in: SignIn, session: Session) -> None:
    head, line = sign_in("head"), session.scalars(select(Line)).one()
    head.post(f"/settings/lines/{line.id}/active")
    session.refresh(line)
    assert line.active
    assert "This is the last line" in head.get("/settings/lines").get_data(as_text=True)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"name": ""}, "Type the name the PBX calls."),
        ({"name": "two words"}, "Use Latin letters"),
        ({"name": "a@b"}, "Use Latin letters"),
        ({"name": "DESK"}, "Another line has this name."),
        ({"title": "x" * 121}, "At most 120 characters."),
        ({"channel_id": "77"}, "Not a valid choice"),
        ({"script": "../secrets"}, "Not a valid choice"),
        ({"answer_on_ring": "9"}, "From 1 to 6."),
        ({"answer_on_ring": "two"}, "Type a number."),
    ],
)
def test_a_bad_line_is_refused(sign_in: SignIn, session: Session, change: dict[str, str], words: str) -> None:
    answer = sign_in("head").post("/settings/lines", data=LINE | change)
    assert answer.status_code == 422 and words in answer.get_data(as_text=True)
    assert "+7 495 123-45-67" in answer.get_data(as_text=True)
    assert session.scalar(select(func.count()).select_from(Line)) == 1


def test_two_lines_have_two_numbers(sign_in: SignIn, session: Session) -> None:
    session.scalars(select(Line)).one().number = "8 (495) 123-45-67"
    session.commit()
    head = sign_in("head")
    answer = head.post("/settings/lines", data=LINE)
    assert answer.status_code == 422 and "Callers of Sales desk dial this number already." in answer.get_data(
        as_text=True
    )
    assert session.scalar(select(func.count()).select_from(Line)) == 1
    own = session.scalars(select(Line)).one()
    assert head.post(f"/settings/lines/{own.id}", data=LINE | {"name": "desk"}).status_code == 303
    assert head.post("/settings/lines", data=LINE | {"number": ""}).status_code == 303
    assert head.post("/settings/lines", data=LINE | {"name": "other", "number": ""}).status_code == 303


def test_price_ranges(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    assert head.post("/settings/prices", data=PRICE).status_code == 303
    row = session.scalars(select(PriceRange)).one()
    page = head.get(f"/settings/prices?price={row.id}").get_data(as_text=True)
    assert "12 500" in page and "for ten and more" in page
    for change, words in (
        ({"product": ""}, "Type the product."),
        ({"product": "windows"}, "has a price range already"),
        ({"product": "Doors", "high": "9000"}, "The highest price is below the lowest."),
        ({"product": "Doors", "low": ""}, "Type the lowest price."),
    ):
        answer = head.post("/settings/prices", data=PRICE | change)
        assert answer.status_code == 422 and words in answer.get_data(as_text=True)
        assert "for ten and more" in answer.get_data(as_text=True)
    assert head.post("/settings/prices", data=PRICE | {"product": "Окна"}).status_code == 303
    answer = head.post("/settings/prices", data=PRICE | {"product": "ОКНА"})
    assert answer.status_code == 422 and "has a price range already" in answer.get_data(as_text=True)
    session.delete(session.scalars(select(PriceRange).where(PriceRange.product == "Окна")).one())
    session.commit()
    assert head.post(f"/settings/prices/{row.id}", data=PRICE | {"low": "about 1,5", "high": "2"}).status_code == 303
    assert session.scalars(select(PriceRange.low)).one() == "about 1,5"
    assert head.post(f"/settings/prices/{row.id}/delete").status_code == 303
    assert session.scalar(select(func.count()).select_from(PriceRange)) == 0


def test_lines_take_a_fixed_number_of_queries(
    sign_in: SignIn, session: Session, count_queries: Callable[[], int]
) -> None:
    head, counts = sign_in("head"), []
    channels = list(session.scalars(select(Channel.id)))
    for number in range(3):
        session.add(Line(name=f"line{number}", channel_id=channels[number]))
        session.commit()
        before = count_queries()
        assert head.get("/settings/lines").status_code == 200
        counts.append(count_queries() - before)
    assert counts[0] == counts[2] <= 7


def test_public_mail_services(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    page = head.get("/settings/free-mail").get_data(as_text=True)
    assert "mail.ru" in page and "yandex.*" in page
    typed = "mail.ru\n yandex.*\n@Почта.РФ \nmail.ru\n\n"
    assert head.post("/settings/free-mail", data={"domains": typed}).status_code == 303
    kept = ["mail.ru", "xn--80a1acny.xn--p1ai", "yandex.*"]
    assert sorted(session.scalars(select(FreeMail.domain))) == kept
    for bad in ("mail.ru\nno domain", "*", "mail", "a" * 200 + ".ru", "x" * 30_000):
        answer = head.post("/settings/free-mail", data={"domains": bad})
        assert answer.status_code == 422 and bad[:20] in answer.get_data(as_text=True)
        assert sorted(session.scalars(select(FreeMail.domain))) == kept

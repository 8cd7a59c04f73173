"""What a line has of its own: how it stands, whom it rings, what callers hear, how long recordings are kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from sipbridge.events import Choice, Menu, Mode, Step
from tests.webapp.calls.conftest import Bridge, bridge, make_client, on_duty
from tests.webapp.conftest import Clock
from tests.webapp.sounds.test_pages import send, tone
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.calls.routing import ORDER
from webapp.calls.standing import standing_plans
from webapp.office.models import Line
from webapp.recordings.models import Recording
from webapp.roster.models import Absence

__all__ = ["bridge", "make_client", "on_duty"]

SignIn = Callable[[str], FlaskClient]
FORM = {
    "name": "site", "title": "Website", "number": "+7 495 123-45-67", "channel_id": "0", "script": "inbound",
    "language": "", "mode": "bridge", "answer_on_ring": "", "ring_seconds": "", "step_seconds": "",
    "message_seconds": "90", "record": "y", "record_notice": "y", "keep_recordings_days": "180",
}  # fmt: skip


@pytest.fixture
def line(session: Session, office: dict[str, User]) -> Line:
    return session.scalars(select(Line)).one()


def post(client: FlaskClient, line: Line, change: dict[str, Any]) -> Any:
    return client.post(f"/settings/lines/{line.id}", data=FORM | change)


def test_all_of_it_is_kept_and_shown_again(
    sign_in: SignIn, session: Session, office: dict[str, User], line: Line
) -> None:
    anna, boris, vera = (office[login] for login in ("anna", "boris", "vera"))
    head = sign_in("head")
    answer = post(head, line, {
        "mode": "watch", "ring_seconds": "4,5", "step_seconds": "15", "answer_on_ring": "3", "language": "ru",
        f"people-{anna.id}": "2", f"people-{boris.id}": "1", f"people-{vera.id}": "2",
        "menu-0-digit": "1", "menu-0-title": "Orders", "menu-0-user_ids": [str(anna.id), str(vera.id)],
        "menu-1-digit": "0", "menu-1-title": "Leave word",
    })  # fmt: skip
    assert answer.status_code == 303
    session.refresh(line)
    assert (line.mode, line.ring_seconds, line.step_seconds, line.answer_on_ring) == ("watch", 4.5, 15, 3)
    assert (line.message_seconds, line.keep_recordings_days, line.record_notice) == (90, 180, True)
    assert [(one.user_id, one.rank) for one in line.people] == [(boris.id, 1), (anna.id, 2), (vera.id, 2)]
    assert line.menu["choices"] == [
        {"digit": "1", "title": "Orders", "user_ids": [anna.id, vera.id]},
        {"digit": "0", "title": "Leave word", "user_ids": []},
    ]
    page = head.get(f"/settings/lines?line={line.id}").get_data(as_text=True)
    for shown in ("Orders", "Leave word", 'value="4.5"', 'value="180"', "not played: it has no sound yet"):
        assert shown in page, shown
    assert "Boris Ivanov, Anna Petrova, Vera Sokolova" in head.get("/settings/lines").get_data(as_text=True)
    assert post(head, line, {f"people-{anna.id}": "1"}).status_code == 303
    session.refresh(line)
    assert [(one.user_id, one.rank) for one in line.people] == [(anna.id, 1)] and line.menu["choices"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "sing"}, "Not a valid choice"),
        ({"mode": ""}, "Not a valid choice"),
        ({"ring_seconds": "11"}, "From 1 to 10."),
        ({"step_seconds": "4"}, "From 5 to 120."),
        ({"message_seconds": "121"}, "From 0 to 120."),
        ({"message_seconds": ""}, "Type a number; 0 for no message."),
        ({"message_seconds": "-1"}, "From 0 to 120."),
        ({"number": "our number"}, "Type the number, such as +74951234567."),
        ({"keep_recordings_days": "0"}, "From 1 to 3650."),
        ({"keep_recordings_days": "9999"}, "From 1 to 3650."),
        ({"people-999": "1"}, "Somebody chosen is no longer here."),
        ({"menu-0-digit": "1"}, "Type what it is for."),
        ({"menu-0-title": "Orders"}, "Choose the digit."),
        ({"menu-0-digit": "x", "menu-0-title": "Orders"}, "Not a valid choice"),
        ({"menu-0-digit": "1", "menu-0-title": "a", "menu-1-digit": "1", "menu-1-title": "b"}, "one place only"),
        ({"menu-0-digit": "1", "menu-0-title": "a", "menu-0-user_ids": "999"}, "for this field"),
    ],
)
def test_nonsense_is_refused_kept_and_changes_nothing(
    sign_in: SignIn, session: Session, line: Line, change: dict[str, str], words: str
) -> None:
    answer = post(sign_in("head"), line, {"title": "Doors & more", **change})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in page and "Doors &amp; more" in page
    session.refresh(line)
    assert (line.title, line.mode, line.menu, line.people) == ("Sales desk", "bridge", {}, [])


def test_what_is_due_to_be_deleted_is_said(sign_in: SignIn, session: Session, line: Line, clock: Clock) -> None:
    line.keep_recordings_days = 10
    for number, days in enumerate((11, 12, 9)):
        at = clock() - timedelta(days=days)
        call = Call(call_id=f"c{number}", offered_at=at, state="ended", line_id=line.id)
        session.add(Recording(call=call, path=f"c{number}.wav", ready_at=at))
    session.commit()
    head = sign_in("head")
    assert "2 are due to be deleted" in head.get("/settings/lines").get_data(as_text=True)
    assert "2 are past their days" in head.get(f"/settings/lines?line={line.id}").get_data(as_text=True)


def test_the_plan_follows_the_line(
    sign_in: SignIn, session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, clock: Clock
) -> None:
    plan = bridge.offer("c0")
    assert (plan["greeting"], plan["apology"], plan["notice"]) == ("greeting.en.wav", "message.en.wav", "")
    assert (plan["mode"], plan["message_seconds"], plan["menu"]) == ("bridge", 120.0, None)
    assert (plan["pause_keys"], plan["hold_music"], plan["record"]) == ("*5", "hold.wav", True)
    head, anna = sign_in("head"), on_duty["anna"]
    change = {
        "mode": "redirect", "language": "ru", "ring_seconds": "3", "step_seconds": "12", "message_seconds": "0",
        "menu-0-digit": "1", "menu-0-title": "Orders", "menu-0-user_ids": str(anna.id),
        "menu-1-digit": "2", "menu-1-title": "Word", "menu-1-user_ids": str(on_duty["secretary"].id),
    }  # fmt: skip
    assert post(head, line, change | {"name": "desk"}).status_code == 303
    assert send(head, tone(2), f"greeting.line{line.id}").status_code == 303
    assert bridge.offer("c1")["menu"] is None, "a menu without its sound is none"
    assert send(head, tone(2), f"menu.line{line.id}").status_code == 303
    plan = bridge.offer("c2")
    assert (plan["greeting"], plan["apology"]) == (f"greeting.line{line.id}.wav", "apology.ru.wav")
    assert (plan["mode"], plan["notice"], plan["ring_seconds"]) == ("redirect", "notice.ru.wav", 3.0)
    assert (plan["message_seconds"], plan["steps"][0]["seconds"]) == (0.0, 12.0)
    menu = Menu(f"menu.line{line.id}.wav", (Choice("1", (Step((anna.extension,), 12.0),)), Choice("2", ())))
    standing = standing_plans(session, clock(), ZoneInfo("Europe/Moscow")).lines["desk"][0].plan
    assert standing.menu == menu and standing.mode is Mode.REDIRECT and standing.notice == "notice.ru.wav"
    assert [choice["digit"] for choice in plan["menu"]["choices"]] == ["1", "2"]
    assert head.post(f"/settings/sounds/greeting.line{line.id}/shipped").status_code == 303
    assert bridge.offer("c3")["greeting"] == "greeting.ru.wav"


def test_a_line_that_records_nothing_announces_nothing(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge
) -> None:
    line.record, line.record_notice = False, True
    session.commit()
    plan = bridge.offer("c1")
    assert (plan["record"], plan["notice"], plan["pause_keys"]) == (False, "", "")


class Body(io.RawIOBase):
    """A body of `size` bytes that counts how much of it was read."""

    def __init__(self, size: int) -> None:
        self.left, self.read_of_it = size, 0

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left)
        buffer[:count] = bytes(count)
        self.left -= count
        self.read_of_it += count
        return count

    def readable(self) -> bool:
        return True


def test_200_megabytes_are_refused_before_they_are_read(app: Flask, sign_in: SignIn, line: Line) -> None:
    body, head = Body(200 << 20), sign_in("head")
    announced = {
        "path": "/settings/sounds/greeting.en",
        "method": "POST",
        "content_type": "multipart/form-data; boundary=x",
        "environ_overrides": {"wsgi.input": body, "CONTENT_LENGTH": str(200 << 20)},
    }
    answer = head.open(**announced)
    assert answer.status_code == 413 and "It is bigger than 20 MB." in answer.get_data(as_text=True)
    assert body.read_of_it < 1 << 20
    assert not Path(app.config["SETTINGS"].sounds, "greeting.en.wav").exists()
    stranger = app.test_client().open(**announced)
    assert "It is bigger than" not in stranger.get_data(as_text=True)


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xe0 a picture" * 99, b"ID3 no sound" * 99, b"RIFF\0\0\0\0WAVE" + b"x" * 999]
)
def test_a_file_that_lies_about_itself_changes_nothing(app: Flask, sign_in: SignIn, line: Line, content: bytes) -> None:
    head = sign_in("head")
    answer = send(head, content, f"menu.line{line.id}", name="menu.wav")
    assert answer.status_code == 422 and "No sound was found" in answer.get_data(as_text=True)
    assert not list(Path(app.config["SETTINGS"].sounds).glob("*")) and line.menu == {}


def test_a_notice_needs_its_words(app: Flask, sign_in: SignIn) -> None:
    head = sign_in("head")
    answer = send(head, tone(2), "notice.en")
    assert answer.status_code == 422 and "Type the words too" in answer.get_data(as_text=True)
    data = {"file": (io.BytesIO(tone(2)), "notice.wav"), "text": "We record <this> talk."}
    assert head.post("/settings/sounds/notice.en", data=data, content_type="multipart/form-data").status_code == 303
    page = head.get("/settings/sounds").get_data(as_text=True)
    assert page.count("We record &lt;this&gt; talk.") == 2, "beside the sound and in its field"


def test_hold_music_may_be_long(sign_in: SignIn) -> None:
    head = sign_in("head")
    assert send(head, tone(70, rate=1000), "hold").status_code == 303
    answer = send(head, tone(301, rate=1000), "hold")
    assert answer.status_code == 422 and "longer than 300 s" in answer.get_data(as_text=True)


def hunt(*whos: str, **seconds: str) -> dict[str, Any]:
    """What the table of the order sends: all rows, `whos` ticked and first."""
    rest = [who for who in ORDER if who not in whos]
    return {
        "hunt-who": [*whos, *rest],
        **{f"hunt-on-{who}": "y" for who in whos},
        **{f"hunt-seconds-{who}": typed for who, typed in seconds.items()},
    }


def test_the_head_chooses_whom_a_line_rings_in_which_order_and_how_long(
    sign_in: SignIn, session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, clock: Clock
) -> None:
    head = sign_in("head")
    chosen = hunt("head", "duty", head="12,5") | {"spread": "evenly"}
    assert post(head, line, chosen | {"name": "desk"}).status_code == 303
    session.refresh(line)
    assert line.hunt == [{"who": "head", "seconds": 12.5}, {"who": "duty", "seconds": None}]
    assert line.spread == "evenly"
    steps = bridge.offer("c1")["steps"]
    assert [(step["extensions"], step["seconds"]) for step in steps] == [
        ([on_duty["head"].extension], 12.5),
        ([on_duty["anna"].extension], 20.0),
    ]
    standing = standing_plans(session, clock(), ZoneInfo("Europe/Moscow")).lines["desk"][0].plan
    assert [step.seconds for step in standing.steps] == [12.5, 20.0]
    page = head.get(f"/settings/lines?line={line.id}").get_data(as_text=True)
    assert page.index('value="head"') < page.index('value="duty"') < page.index('value="owner"')


def test_the_usual_order_is_kept_as_none(sign_in: SignIn, session: Session, line: Line) -> None:
    assert post(sign_in("head"), line, hunt(*ORDER)).status_code == 303
    session.refresh(line)
    assert line.hunt == []


def test_a_row_goes_up_or_down_and_nothing_is_saved_yet(sign_in: SignIn, session: Session, line: Line) -> None:
    head = sign_in("head")
    answer = post(head, line, hunt(*ORDER) | {"move": "up-head", "title": "Not saved"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert page.index('value="head"') < page.index('value="backup"')
    assert "Not saved" in page
    session.refresh(line)
    assert (line.hunt, line.title) == ([], "Sales desk")
    assert post(head, line, hunt(*ORDER) | {"move": "up-nobody"}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (hunt("owner", "region"), "A new caller would ring nobody: tick those on duty, the backups or the head"),
        (hunt("duty", duty="4"), "Seconds of a step: from 5 to 120"),
        (hunt("duty", duty="long"), "Seconds of a step: from 5 to 120"),
        (hunt("backup") | {"people-1": "1"}, "A new caller would ring nobody: tick those on duty or the head"),
        ({"spread": "dice"}, "Not a valid choice"),
    ],
)
def test_an_order_that_leads_to_nobody_is_refused_and_kept_as_typed(
    sign_in: SignIn, session: Session, line: Line, sent: dict[str, Any], said: str
) -> None:
    answer = post(sign_in("head"), line, sent | {"title": "Typed"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page
    assert "Typed" in page
    session.refresh(line)
    assert line.hunt == []


@pytest.mark.parametrize(
    "broken",
    [
        '"text"',
        '{"who": "duty"}',
        '[1, null, {"who": []}, {"who": "nobody"}]',
        '[{"who": "duty", "seconds": "x"}, {"who": "duty", "seconds": 9}, {"seconds": 3}]',
        '[{"who": "duty", "seconds": -4}]',
        '[{"who": "duty", "seconds": 1e9}]',
    ],
)
def test_a_broken_order_never_loses_a_caller(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, broken: str
) -> None:
    session.execute(text("update line set hunt = :value"), {"value": broken})
    session.commit()
    session.expire_all()
    assert bridge.offer("c1")["steps"][0] == {"extensions": [on_duty["anna"].extension], "seconds": 20.0}


def test_a_digit_of_the_menu_rings_nobody_who_is_absent(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, clock: Clock
) -> None:
    line.menu = {"sound": "m.wav", "choices": [{"digit": "1", "title": "A", "user_ids": [on_duty["vera"].id]}]}
    session.add(Absence(user_id=on_duty["vera"].id, starts_at=clock(), ends_at=clock() + timedelta(hours=1)))
    session.commit()
    assert bridge.offer("c1")["menu"]["choices"] == [{"digit": "1", "steps": []}]

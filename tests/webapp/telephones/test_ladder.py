"""The ladder: read with care, told in words, drawn for head and administrator, forgotten in time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.office.models import Office
from webapp.telephones import ladder, words

SignIn = Callable[[str], FlaskClient]
AT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ANNA = "sip:anna@127.0.0.1:5999"


def message(ms: int, sender: str, receiver: str, first: str, cseq: str = "1 INVITE", **more: Any) -> dict[str, Any]:
    text = f"{first}\nTo: <sip:desk@office>{more.pop('to_tag', '')}\nCSeq: {cseq}\n{more.pop('body', '')}"
    return {
        "at": (AT + timedelta(milliseconds=ms)).isoformat(),
        "ms": ms,
        "from": sender,
        "to": receiver,
        "address": "10.0.0.9:5060",
        "first_line": first,
        "text": text,
        "call": receiver if sender == "desk" else sender,
        "left_out": 0,
    } | more


ABANDONED = [
    message(0, "caller", "desk", "INVITE sip:desk@office SIP/2.0"),
    message(1, "desk", "caller", "SIP/2.0 180 Ringing"),
    message(40, "desk", ANNA, "INVITE sip:anna@127.0.0.1 SIP/2.0"),
    message(90, ANNA, "desk", "SIP/2.0 180 Ringing"),
    message(12000, "caller", "desk", "CANCEL sip:desk@office SIP/2.0", "1 CANCEL"),
    message(12002, "desk", "caller", "SIP/2.0 487 Request Terminated"),
    message(12004, "desk", ANNA, "CANCEL sip:anna@127.0.0.1 SIP/2.0", "1 CANCEL"),
]


@pytest.fixture
def folder(app: Flask) -> Path:
    return Path(app.config["SETTINGS"].data) / "ladders"


@pytest.fixture
def keep(folder: Path) -> Callable[..., Path]:
    """`keep("c1", messages)`: what the bridge would have written."""

    def write(call_id: str, content: Any, day: str = "2026-03-10") -> Path:
        path = folder / day / f"{call_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def gone(session: Session, office: dict[str, User]) -> Call:
    call = Call(
        call_id="c1", number="+74951234567", offered_at=AT, state="ended", end_reason="abandoned", ring_seconds=12.0
    )
    session.add(call)
    session.commit()
    return call


def read(folder: Path, call_id: str = "c1") -> list[ladder.Message]:
    return ladder.read(folder, call_id, AT)


# Reading


def test_the_messages_are_read_in_order_with_their_parties(folder: Path, keep: Callable[..., Path]) -> None:
    keep("c1", ABANDONED)
    found = read(folder)
    assert [one.ms for one in found] == [0, 1, 40, 90, 12000, 12002, 12004]
    assert ladder.parties(found) == ["caller", "desk", ANNA]
    assert ladder.still_ringing(found, 11999) == [ANNA]
    assert ladder.who_hung_up(found) == "caller"


def test_a_telephone_that_answered_or_declined_rings_no_more(folder: Path, keep: Callable[..., Path]) -> None:
    for code in ("486 Busy Here", "200 OK", "603 Decline"):
        keep("c1", [*ABANDONED[:4], message(500, ANNA, "desk", f"SIP/2.0 {code}"), *ABANDONED[4:]])
        assert ladder.still_ringing(read(folder), 11999) == []
    keep("c1", [*ABANDONED[:4], message(500, ANNA, "desk", "SIP/2.0 401 Unauthorized"), *ABANDONED[4:]])
    assert ladder.still_ringing(read(folder), 11999) == [ANNA]


def test_the_day_beside_midnight_is_looked_at_too(folder: Path, keep: Callable[..., Path]) -> None:
    keep("c1", ABANDONED, "2026-03-11")
    assert len(read(folder)) == 7


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "{}",
        "[" * 100_000,
        [1, None, "x", {}, {"from": "desk"}],
        [{**ABANDONED[0], "at": "soon"}],
        [{**ABANDONED[0], "from": "a", "to": "b"}],
        [{**ABANDONED[0], "text": 7}],
        '["\\ud800"]',
    ],
)
def test_what_is_no_ladder_is_none(folder: Path, keep: Callable[..., Path], content: Any) -> None:
    keep("c1", content)
    assert read(folder) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "9999-12-31T23:59:59-14:00"),
        ("at", "2026-03-10T09:00:00"),
        ("ms", 10**400),
        ("left_out", 10**4000),
        ("first_line", "<script>alert(1)</script>"),
        ("first_line", "\ud800"),
        ("text", "\ud800 SIP/2.0 ٤٠٤ <script>alert(1)</script>"),
        ("from", "\ud800<script>alert(1)</script>"),
    ],
)
def test_one_odd_message_is_shown_harmlessly_or_left_out(
    sign_in: SignIn, gone: Call, keep: Callable[..., Path], name: str, value: Any
) -> None:
    keep("c1", [ABANDONED[0], {**ABANDONED[0], name: value}, *ABANDONED[1:]])
    answer = sign_in("admin").get(f"/calls/{gone.id}/ladder")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "it rings" in text and "<script>alert" not in text
    assert len(text) < 100_000


@pytest.mark.parametrize("call_id", ["../c1", "c1/../../x", "", ".hidden", "a" * 200, "c1\0"])
def test_a_name_that_leaves_the_folder_is_not_read(folder: Path, keep: Callable[..., Path], call_id: str) -> None:
    keep("c1", ABANDONED)
    assert ladder.read(folder, call_id, AT) == []


def test_a_flood_of_telephones_keeps_the_columns_few(folder: Path, keep: Callable[..., Path]) -> None:
    many = [message(n, "desk", f"sip:{n}@x", f"INVITE sip:{n}@x SIP/2.0") for n in range(50)]
    keep("c1", [*ABANDONED, *many])
    assert len(ladder.parties(read(folder))) == ladder.MOST_PARTIES


# Words


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (message(0, "caller", "desk", "INVITE sip:x SIP/2.0"), "calls"),
        (message(0, "desk", ANNA, "INVITE sip:x SIP/2.0"), "please ring"),
        (message(0, ANNA, "desk", "INVITE sip:x SIP/2.0", to_tag=";tag=1", body="a=sendonly"), "puts the talk on hold"),
        (message(0, ANNA, "desk", "INVITE sip:x SIP/2.0", to_tag=";tag=1"), "changes how the sound goes"),
        (message(0, "desk", "caller", "INVITE sip:x SIP/2.0", body="Authorization: (removed)"), "with the password"),
        (message(0, ANNA, "desk", "SIP/2.0 180 Ringing"), "it rings"),
        (message(0, ANNA, "desk", "SIP/2.0 200 OK"), "picked up"),
        (message(0, "desk", "caller", "SIP/2.0 200 OK"), "answered"),
        (message(0, "desk", "caller", "SIP/2.0 200 OK", "2 BYE"), "understood"),
        (message(0, ANNA, "desk", "SIP/2.0 486 Busy Here"), "busy"),
        (message(0, "caller", "desk", "BYE sip:x SIP/2.0", "2 BYE"), "hangs up"),
        (message(0, "desk", ANNA, "BYE sip:x SIP/2.0", "2 BYE"), "ends the call"),
        (message(0, "desk", ANNA, "CANCEL sip:x SIP/2.0", "1 CANCEL"), "stop ringing"),
        (message(0, ANNA, "desk", "SIP/2.0 499 Whatever"), "refused (499)"),
        (message(0, ANNA, "desk", "BREW sip:x SIP/2.0", "1 BREW"), "asks something else"),
        (message(0, ANNA, "desk", "utter nonsense"), "asks something else"),
    ],
)
def test_every_message_has_plain_words(folder: Path, keep: Callable[..., Path], raw: dict[str, Any], said: str) -> None:
    keep("c1", [raw])
    assert said in words.meaning(read(folder)[0])


def test_only_the_first_answer_of_a_call_is_a_telephone_picked_up(folder: Path, keep: Callable[..., Path]) -> None:
    keep("c1", [message(0, ANNA, "desk", "SIP/2.0 200 OK"), message(9, ANNA, "desk", "SIP/2.0 200 OK", "2 INVITE")])
    assert [words.meaning(one) for one in read(folder)] == ["picked up", "understood"]


def test_a_message_sent_again_says_so(folder: Path, keep: Callable[..., Path]) -> None:
    keep("c1", [ABANDONED[0], {**ABANDONED[0], "ms": 500}])
    assert [words.meaning(one) for one in read(folder)] == ["calls", "calls (once more)"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"end_reason": "abandoned"}, "hung up after 12 s while the telephone of Anna Petrova rang."),
        ({"end_reason": "abandoned", "greeted_at": AT}, "having heard the greeting"),
        ({"end_reason": "no_answer"}, "Nobody picked up within 12 s"),
        ({"end_reason": "redirected"}, "sent on to the manager's telephone"),
        ({"end_reason": "failed"}, "broke off"),
        (
            {"end_reason": "completed", "answered_at": AT, "talk_seconds": 65.0},
            "They spoke for 1:05. The caller hung up.",
        ),
        ({"direction": "out", "end_reason": "no_answer"}, "called for 12 s; nobody picked up"),
        ({"direction": "out", "end_reason": "abandoned"}, "given up on our side"),
        ({"state": "talking"}, "goes on"),
    ],
)
def test_what_became_of_a_call_is_told_above(
    folder: Path, keep: Callable[..., Path], facts: dict[str, Any], said: str
) -> None:
    keep("c1", ABANDONED)
    call = Call(
        **({"call_id": "c1", "direction": "in", "state": "ended", "ring_seconds": 12.0, "end_reason": ""} | facts)
    )
    assert said in words.summary(call, read(folder), {ANNA: "Anna Petrova"})


# The page


def test_the_head_reads_how_a_call_went(
    sign_in: SignIn, gone: Call, keep: Callable[..., Path], folder: Path, session: Session
) -> None:
    evil = message(50, ANNA, "desk", "SIP/2.0 180 <script>alert(1)</script>")
    keep("c1", [*ABANDONED, evil])
    head = sign_in("head")
    page = head.get(f"/calls/{gone.id}/ladder").get_data(as_text=True)
    assert "while the telephone of Anna Petrova rang" in page and "Telephone of Anna Petrova" in page
    assert page.count("<tr>") == 1 + 8 and "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert f"/calls/{gone.id}/ladder" in head.get(f"/calls/{gone.id}").get_data(as_text=True)
    assert "/ladder" not in sign_in("anna").get(f"/calls/{gone.id}").get_data(as_text=True)
    assert sign_in("admin").get(f"/calls/{gone.id}/ladder").status_code == 200
    session.scalars(select(Office)).one().ladder_days = 0
    session.commit()
    assert "not kept" in head.get(f"/calls/{gone.id}/ladder").get_data(as_text=True)


def test_a_call_without_messages_says_so(sign_in: SignIn, gone: Call) -> None:
    assert "There are no messages of this call" in sign_in("head").get(f"/calls/{gone.id}/ladder").get_data(
        as_text=True
    )


def test_others_are_kept_out(app: Flask, sign_in: SignIn, gone: Call) -> None:
    path = f"/calls/{gone.id}/ladder"
    assert "/login" in app.test_client().get(path).headers["Location"]
    assert sign_in("anna").get(path).status_code == 403
    assert sign_in("head").get("/calls/9999/ladder").status_code == 404


# The end


def test_old_ladders_are_forgotten(folder: Path, keep: Callable[..., Path], clock: Clock) -> None:
    kept, old = keep("a", [], "2026-02-24"), keep("b", [], "2026-02-23")
    other = folder / "notes"
    other.mkdir()
    assert ladder.forget(folder, 14, clock()) == 1
    assert kept.exists() and not old.exists() and other.exists()
    assert ladder.forget(folder, 0, clock()) == 1
    assert not kept.exists() and other.exists()
    assert ladder.forget(folder / "nowhere", 14, clock()) == 0

"""The page of missed callers: who waits longest first, closed by a reason, filtered, bounded, and as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.missed.conftest import Miss
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.missed import page
from webapp.office.models import Line, Office
from webapp.recordings.models import Recording

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]


def text(client: FlaskClient, address: str = "/missed") -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def test_a_caller_is_one_row_with_all_that_is_known(
    sign_in: SignIn, session: Session, miss: Miss, client_with: MakeClient, clock: Clock
) -> None:
    rassvet = client_with("+74950002222", "Rassvet")
    miss("+74950002222", 90, on="boris", client_id=rassvet.id)
    last = miss("+74950002222", 3, on="anna", client_id=rassvet.id, rings=6, ring_seconds=28.0)
    session.add(Recording(call_id=last.id, kind="message", path="x", seconds=4.0))
    for minute in (80, 70):
        at = clock() - (clock() - last.offered_at) * minute / 3
        session.add(
            Call(
                call_id=f"try-{minute}", direction="out", number="+74950002222", offered_at=at, state="ended",
                end_reason="no_answer", rings=3,
            )
        )  # fmt: skip
    session.commit()
    shown = text(sign_in("anna"))
    assert shown.count('class="lost lost-3"') == 1
    for words in (
        "+7 495 000-22-22", "Rassvet", "1 h 30 min", "overdue", "2 calls", "0:28", "6 rings",
        "Boris Ivanov, Anna Petrova", "rung back 2 times in vain",
    ):  # fmt: skip
        assert words in shown, words


def test_ages_have_a_colour_and_a_word(sign_in: SignIn, miss: Miss, session: Session) -> None:
    for number, minutes in enumerate((1, 6, 20, 301)):
        miss(f"+7495000000{number}", minutes)
    found = re.findall(
        r'class="lost lost-(\d)".*?<b class="nowrap">[^<]+</b> <span>([^<]+)<', text(sign_in("anna")), re.S
    )
    assert found == [("4", "over five hours"), ("3", "overdue"), ("2", "getting late"), ("1", "fresh")]


def test_before_the_duty_was_kept_the_routing_tells_it(sign_in: SignIn, miss: Miss) -> None:
    miss("+74950002222", 3, why_routed={"reason": "duty", "duty": "Olga Kern"})
    assert "Olga Kern" in text(sign_in("anna"))


@pytest.mark.parametrize("login", ["head", "anna", "secretary"])
def test_closed_by_a_reason_at_hand_or_ones_own(
    sign_in: SignIn, session: Session, miss: Miss, office: dict[str, User], login: str
) -> None:
    session.get_one(Office, 1).language = "ru"
    first, last, other = miss("+74950002222", 90), miss("+74950002222", 3), miss("+74950003333", 3)
    client = sign_in(login)
    quick = client.post(f"/missed/{last.id}/close", data={"quick": "robot", "reason": ""})
    assert (quick.status_code, quick.get_data(as_text=True)) == (200, "")
    own = client.post(f"/missed/{other.id}/close", data={"reason": " Will  come tomorrow "})
    assert own.status_code == 200
    session.expire_all()
    assert [(one.missed_how, one.missed_reason, one.missed_closed_by_id) for one in (first, last, other)] == [
        ("reason", "Робот или реклама", office[login].id),
        ("reason", "Робот или реклама", office[login].id),
        ("reason", "Will come tomorrow", office[login].id),
    ]
    assert "lost lost-" not in text(client)
    assert "last time:" not in text(client)
    miss("+74950003333", 1)
    assert "last time:</span> Will come tomorrow" in text(client)


def test_without_a_reason_nothing_is_closed_and_what_was_typed_stays(
    sign_in: SignIn, session: Session, miss: Miss
) -> None:
    call = miss("+74950002222", 3)
    anna, address = sign_in("anna"), f"/missed/{call.id}/close"
    for typed in ("", "  ", "x" * 1001):
        answer = anna.post(address, data={"reason": typed})
        shown = answer.get_data(as_text=True)
        assert answer.status_code == 422 and 'role="alert"' in shown and typed.strip() in shown
        assert f'id="lost-{call.id}"' in shown and "details open" in shown
    session.expire_all()
    assert call.missed_closed_at is None
    assert anna.post(address, data={"quick": "nonsense"}).status_code == 404
    anna.post(address, data={"reason": "first"})
    late = sign_in("boris").post(address, data={"reason": "second"})
    assert late.status_code == 422 and "closed already" in late.get_data(as_text=True)
    session.expire_all()
    assert call.missed_reason == "first"


def test_who_may_do_what(app: Flask, sign_in: SignIn, miss: Miss, session: Session) -> None:
    call = miss("+74950002222", 3)
    assert "/login" in app.test_client().get("/missed").headers["Location"]
    assert sign_in("admin").get("/missed").status_code == 403
    for login in ("agent", "expert"):
        client = sign_in(login)
        assert "000-22-22" in text(client) and f"/missed/{call.id}/close" not in text(client)
        assert client.post(f"/missed/{call.id}/close", data={"reason": "x"}).status_code == 403
    assert sign_in("anna").post("/missed/999/close", data={"reason": "x"}).status_code == 404
    assert sign_in("anna").get("/missed/file.csv").status_code == 403
    assert sign_in("anna").get("/missed/report").status_code == 403
    session.expire_all()
    assert call.missed_closed_at is None


def test_filters(sign_in: SignIn, session: Session, miss: Miss, office: dict[str, User]) -> None:
    second = Line(name="second", title="Second")
    session.add(second)
    session.flush()
    miss("+74950000001", 10, on="anna", line_id=second.id)
    miss("+74950000002", 20, on="boris")
    miss("+74950000003", 30, back=5, by="vera")
    miss("+74950000004", 60 * 24 * 20, back=5, reason="A robot")
    anna = sign_in("anna")

    def numbers(address: str) -> list[str]:
        return re.findall(r"000-00-0(\d)</b>", text(anna, address))

    assert numbers("/missed") == ["2", "1"]
    assert numbers("/missed?show=nonsense&page=-4") == ["2", "1"]
    assert numbers(f"/missed?manager={office['anna'].id}") == ["1"]
    assert numbers(f"/missed?line={second.id}") == ["1"]
    assert numbers("/missed?show=closed") == ["3"]
    assert numbers("/missed?show=closed&period=any") == ["3", "4"]
    assert numbers(f"/missed?show=all&period=day&manager={office['vera'].id}") == ["3"]
    assert numbers("/missed?show=all&period=range&day=2026-02-01&until=2026-03-01") == ["4"]
    assert numbers("/missed?show=closed&period=any&how=reason") == ["4"]
    assert numbers("/missed?show=closed&period=any&how=talk") == ["3"]
    assert numbers("/missed?show=all&period=any&hour=11") == ["2", "1", "3"]
    bad = anna.get("/missed?period=range&day=2026-03-02&until=2026-03-01")
    assert bad.status_code == 422 and "before the first" in bad.get_data(as_text=True)
    assert anna.get("/missed?period=day&day=soon").status_code == 422
    assert anna.get("/missed?manager=soon").status_code == 422
    assert "Nobody waits for a call" in text(anna, "/missed?period=day&day=2026-01-01")


def test_pages_are_bounded_and_so_are_queries(
    sign_in: SignIn, miss: Miss, client_with: MakeClient, count_queries: Callable[[], int]
) -> None:
    anna, asked = sign_in("anna"), []
    for how_many in (1, 30):
        for number in range(how_many):
            client = client_with(f"+7495{how_many:03}{number:04}", f"Firm {number}")
            miss(f"+7495{how_many:03}{number:04}", 5 + number, on="anna", client_id=client.id)
        before = count_queries()
        shown = text(anna)
        asked.append(count_queries() - before)
    assert shown.count('class="lost lost-') == page.PAGE_SIZE
    assert asked[0] >= asked[1] - 1 and asked[1] <= 16, asked
    assert text(anna, "/missed?page=2").count('class="lost lost-') == 31 - page.PAGE_SIZE


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_list_as_a_file(sign_in: SignIn, miss: Miss, ending: str, client_with: MakeClient) -> None:
    miss("+74950000001", 10, on="anna")
    miss("+74950000001", 4, on="anna")
    miss("+74950000002", 200, on="boris", back=12)
    miss("+74950000003", 300, back=1, reason="=A robot")
    answer = sign_in("secretary").get(f"/missed/file.{ending}?show=all", buffered=True)
    assert answer.status_code == 200
    assert f"missed-all-2026-03-09-2026-03-15.{ending}" in answer.headers["Content-Disposition"]
    if ending == "xlsx":
        assert answer.data.startswith(b"PK")
        return
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    body = [row for row in rows if len(row) > 9]
    assert [row[2:4] for row in body[1:]] == [
        ["2", "'+7 495 000-00-01"],
        ["1", "'+7 495 000-00-02"],
        ["1", "'+7 495 000-00-03"],
    ]
    assert body[2][12] == "12" and body[3][13] == "'=A robot"
    assert ["Minutes to return, half within", "12", "small sample"] in [row[:3] for row in rows]

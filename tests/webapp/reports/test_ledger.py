"""The ledger's rows and sums: what was put in adds up, whatever it was."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.reports.conftest import Book
from webapp.reports import ledger, periods

MOSCOW = ZoneInfo("Europe/Moscow")
DAY = date(2026, 3, 10)


def rows_of_day(session: Session, **filters: int | None) -> list[ledger.Row]:
    return ledger.rows(session, *periods.instants(DAY, DAY, MOSCOW), **filters)


def test_a_row_says_what_the_paper_says(session: Session, book: Book, clock: Clock) -> None:
    next_at = clock() + timedelta(days=1)
    client = book.client()
    book.add("anna", clock(), "meeting", 90, 2, client, next_at=next_at, next_kind="meeting_ours", note="samples")
    [row] = rows_of_day(session)
    assert (row.manager, row.person, row.client) == ("Anna Petrova", "Orlov Pavel Ilyich", "Rassvet LLC")
    assert (row.phone, row.email) == ("+7 495 000-12-34", "orlov@rassvet.example")
    assert (row.purpose, row.outcome, row.channel) == ("Price", "Meeting set", "Recommendation")
    assert (row.next_at, row.next_kind, row.state) == (next_at, "meeting_ours", "talked")
    assert (row.rings, row.talk_seconds, row.finished) == (2, 90, True)


def test_the_persons_own_phone_comes_before_the_firms(session: Session, book: Book, clock: Clock) -> None:
    client = book.client()
    client.contact_points[0].person = None
    client.contact_points[0].preferred = True
    touch = book.add("anna", clock(), client=client)
    assert rows_of_day(session)[0].phone == "+7 495 000-12-34"
    client.contact_points.append(
        type(client.contact_points[0])(kind="mobile", value="+7 944 000-99-99", person=client.people[0])
    )
    session.flush()
    assert touch.person is not None
    assert rows_of_day(session)[0].phone == "+7 944 000-99-99"


def test_the_day_is_the_offices_day(session: Session, book: Book) -> None:
    midnight = datetime(2026, 3, 9, 21, 0, tzinfo=UTC)  # 00:00 in Moscow
    for at in (
        midnight - timedelta(seconds=1),
        midnight,
        midnight + timedelta(hours=24, seconds=-1),
        midnight + timedelta(hours=24),
    ):
        book.add("anna", at)
    assert [row.at for row in rows_of_day(session)] == [midnight, midnight + timedelta(hours=24, seconds=-1)]


def test_a_short_day_in_spring_has_23_hours() -> None:
    start, end = periods.instants(date(2026, 3, 29), date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=23)


def test_missed_calls_are_shown_and_are_no_contacts(session: Session, book: Book, clock: Clock) -> None:
    book.add(None, clock(), None, talk=0, number="+74950009999")
    book.add("anna", clock(), None, talk=0, state="ringing")
    book.add("anna", clock(), None, talk=0, end_reason="answered_elsewhere")
    book.add("anna", clock(), "answered")
    made_good = book.add(None, clock(), None, talk=0)
    assert made_good.call is not None
    made_good.call.missed_closed_at = clock()
    session.flush()
    rows = rows_of_day(session)
    assert Counter(row.state for row in rows) == {
        "missed": 1,
        "ringing": 1,
        "elsewhere": 1,
        "talked": 1,
        "made_good": 1,
    }
    sums = ledger.totals(rows)
    assert (sums.rows, sums.contacts, sums.incoming_calls, sums.missed) == (5, 1, 5, 2)


def test_what_was_put_in_adds_up(session: Session, book: Book, clock: Clock) -> None:
    """Sums of random ledgers, counted apart while they are written."""
    start, end = periods.instants(DAY, DAY, MOSCOW)
    outcomes = {"meeting": "meeting", "order": "sale", "offer": "", "answered": "", "refused": ""}
    for seed in range(4):
        dice = random.Random(seed)
        session.rollback()
        put = Counter[str]()
        talk_put = 0.0
        channels = Counter[int | None]()
        for _ in range(dice.randrange(0, 60)):
            kind = dice.choice(["talk", "talk", "missed", "letter", "call_out"])
            outcome = dice.choice(list(outcomes))
            channel = dice.choice([None, 0, 1, 2])
            at = start + (end - start) * dice.random()
            seconds = round(dice.uniform(1, 900), 1)
            if kind == "missed":
                book.add(None, at, None, talk=0, channel=channel)
                put["missed"] += 1
                put["incoming"] += 1
                continue
            if kind == "talk":
                book.add("anna", at, outcome, seconds, channel)
                talk_put += seconds
                put["incoming"] += 1
            elif kind == "letter":
                book.add("boris", at, outcome, None, channel, door="mail")
            else:
                book.add("vera", at, outcome, None, channel, direction="out")
            put["contacts"] += 1
            put[outcomes[outcome] or "other"] += 1
            put["offers"] += outcome == "offer"
            channels[channel] += 1
        rows = rows_of_day(session)
        sums = ledger.totals(rows)
        assert sums.rows == len(rows) == put["contacts"] + put["missed"]
        assert (sums.contacts, sums.missed) == (put["contacts"], put["missed"])
        assert (sums.meetings, sums.sales, sums.offers) == (put["meeting"], put["sale"], put["offers"])
        assert sums.incoming_calls == put["incoming"]
        assert sums.talk_seconds == pytest.approx(talk_put)
        assert sums.channels.total() == sums.contacts
        assert sorted(sums.channels.values()) == sorted(channels.values())
        if put["contacts"]:
            assert sums.conversion == pytest.approx(100 * put["meeting"] / put["contacts"])
            assert ledger.totals(rows, "sale").conversion == pytest.approx(100 * put["sale"] / put["contacts"])
        else:
            assert sums.conversion is None
        assert sums.small_sample == (put["contacts"] < 30)
        by_manager = [
            ledger.totals(rows_of_day(session, user_id=book.people[login].id)).contacts
            for login in ("anna", "boris", "vera")
        ]
        assert sum(by_manager) == sums.contacts
        by_channel = [ledger.totals(rows_of_day(session, channel_id=channel.id)).contacts for channel in book.channels]
        assert sum(by_channel) == sums.contacts - channels[None]


def test_as_json_can_be_written_and_read(session: Session, book: Book, clock: Clock) -> None:
    client = book.client("«Рассвет» & Co")
    book.add("anna", clock(), "order", 61.25, 0, client, next_at=clock() + timedelta(hours=2))
    book.add(None, clock() + timedelta(minutes=1), None, talk=0, number="", caller_name="?")
    read = json.loads(json.dumps(ledger.as_json(session, DAY, MOSCOW)))
    talked, missed = read["rows"]
    assert read["day"] == "2026-03-10"
    assert talked["time"] == "2026-03-10T12:00:00+03:00"
    assert talked["next_at"] == "2026-03-10T14:00:00+03:00"
    assert (talked["state"], talked["client"], talked["persons"]) == (
        "talked",
        "«Рассвет» & Co",
        ["Orlov Pavel Ilyich"],
    )
    assert (talked["call_id"], talked["talk_seconds"]) == ("call-1", 61.2)
    assert (missed["state"], missed["number"], missed["manager"], missed["next_at"]) == ("missed", "", "", None)
    assert read["totals"]["sales"] == 1
    assert read["totals"]["channels"] == {"Website": 1}
    assert read["totals"]["small_sample"] is True


def test_as_text_is_for_a_terminal(session: Session, book: Book, clock: Clock) -> None:
    book.add("anna", clock(), "order", 61.25, 0, book.client("Rassvet\x1b[2J\nLLC"))
    book.add(None, clock() + timedelta(minutes=1), None, talk=0, number="")
    text = ledger.as_text(ledger.as_json(session, DAY, MOSCOW))
    assert text.replace("\n", "").isprintable()
    lines = text.split("\n")
    assert len(lines) == 5
    assert lines[1].startswith(
        "12:00  talked | Anna Petrova | Orlov Pavel Ilyich | Rassvet [2J LLC | Price | Order taken"
    )
    assert lines[2] == "12:01  missed | hidden number"
    assert "contacts 1, meetings 0, sales 1" in lines[3]
    assert lines[4] == "  Website: 1"


def test_the_number_of_queries_does_not_grow(
    session: Session, book: Book, clock: Clock, count_queries: Callable[[], int]
) -> None:
    asked = []
    for how_many in (2, 40):
        for number in range(how_many):
            book.add("anna", clock(), "answered", 60, 0, book.client(f"Firm {how_many} {number}"))
        session.commit()
        session.expire_all()
        before = count_queries()
        rows_of_day(session)
        asked.append(count_queries() - before)
    assert asked[0] == asked[1] <= 5


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("day", "2026-03-10", "2026-03-10", "2026-03-10"),
        ("week", "2026-03-10", "2026-03-09", "2026-03-15"),
        ("week", "2026-03-15", "2026-03-09", "2026-03-15"),
        ("month", "2026-02-28", "2026-02-01", "2026-02-28"),
        ("month", "2024-02-01", "2024-02-01", "2024-02-29"),
        ("month", "2026-12-31", "2026-12-01", "2026-12-31"),
    ],
)
def test_periods(period: str, day: str, first: str, last: str) -> None:
    found = periods.first_and_last(period, date.fromisoformat(day), None)
    assert found == (date.fromisoformat(first), date.fromisoformat(last))
    before, after = periods.neighbours(period, *found)
    assert periods.first_and_last(period, before, None)[1] == found[0] - timedelta(days=1)
    assert periods.first_and_last(period, after, None)[0] == found[1] + timedelta(days=1)

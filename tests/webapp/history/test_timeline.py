"""The timeline of a card: every kind, chosen by its key, page by page without a loss, quick however long it is."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import changes
from webapp.clients.changes import Author
from webapp.clients.models import CardChange, Client
from webapp.deals import stages
from webapp.doubles.models import Merge
from webapp.history import moments, timeline
from webapp.history.moments import Place
from webapp.recordings.models import Recording
from webapp.tasks.models import Task
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def rassvet(make_card: Maker) -> Client:
    return make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov", given_name="Pavel")


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 9), st.integers(0, 2**31 - 1))
def test_a_place_in_an_address_is_exact(at: datetime, rank: int, row_id: int) -> None:
    place = Place(max(at, moments._EPOCH), rank, row_id)
    assert moments.read(str(place)) == place


@pytest.mark.parametrize(
    "text", ["", "1", "1-2", "1-2-3-4", "a-1-1", "-1-1-1", "9" * 19 + "-1-1", "1-1-99999999999", "١-1-1"]
)
def test_what_is_no_place(text: str) -> None:
    assert moments.read(text) is None


def fill(session: Session, client: Client, user: User, now: datetime) -> None:
    """One of each, and several at the very same time."""
    call = Call(
        call_id="c1", number="+74951234567", offered_at=now, state="ended", client_id=client.id, answered_at=now,
        rings=2,
    )  # fmt: skip
    alone = Call(call_id="c2", offered_at=now, state="ended", client_id=client.id, rings=3, end_reason="abandoned")
    session.add_all([call, alone])
    session.flush()
    session.add(Recording(call=call, path="c1.wav", seconds=95, ready_at=now))
    for door in ("call", "mail", "web", "visit", "paper"):
        touch = Touch(started_at=now, client_id=client.id, user_id=user.id, door=door, note=f"by-{door}.")
        touch.call_id = call.id if door == "call" else None
        session.add(touch)
    session.add(Task(kind="promise", client_id=client.id, due_at=now, created_at=now, text="ring-back."))
    stages.open_deal(session, client, "Forty windows", Author(user, now))
    other = Client(name="Rassvet-too", created_at=now, merged_into_id=client.id)
    session.add(other)
    session.flush()
    session.add(Merge(survivor_id=client.id, other_id=other.id, at=now, by_id=user.id, why="one-firm."))
    changes.note(session, client, "product", "old-words.", "new-words.", Author(user, now))
    changes.note(session, other, "product", "", "of-the-other.", Author(user, now))
    session.commit()


WORDS = {
    "call": ("by-call.", "3 rings", "/recordings/"),
    "letter": ("by-mail.",),
    "request": ("by-web.",),
    "visit": ("by-visit.", "by-paper."),
    "task": ("ring-back.",),
    "deal": ("Forty windows",),
    "change": ("new-words.", "old-words.", "of-the-other."),
    "merge": ("one-firm.", "Rassvet-too"),
}


def test_each_kind_by_itself(
    sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session, clock: Clock
) -> None:
    fill(session, rassvet, office["anna"], clock())
    browser = sign_in("anna")
    for kind in timeline.KINDS:
        answer = browser.get(
            f"/clients/{rassvet.id}/history?show={kind}", headers={**HTMX, "HX-Trigger": "history-filters"}
        )
        page = answer.get_data(as_text=True)
        for other, words in WORDS.items():
            for word in words:
                assert (word in page) == (other == kind), (kind, word)
        assert answer.headers["HX-Replace-Url"] == f"/clients/{rassvet.id}?show={kind}"
    page = browser.get(f"/clients/{rassvet.id}?show=task&show=merge").get_data(as_text=True)
    timeline_part = page[page.index('id="history"') :]
    assert "ring-back." in timeline_part and "one-firm." in timeline_part and "by-mail." not in timeline_part


def test_pages_lose_and_repeat_nothing_at_equal_times(
    rassvet: Client, office: dict[str, User], session: Session, clock: Clock
) -> None:
    now, dice = clock(), random.Random(7)
    for number in range(120):
        at = now - timedelta(seconds=dice.randrange(4))
        what = dice.randrange(4)
        if what == 0:
            session.add(Touch(started_at=at, client_id=rassvet.id, door=dice.choice(["mail", "web", "show"])))
        elif what == 1:
            session.add(Call(call_id=f"c{number}", offered_at=at, state="ended", client_id=rassvet.id))
        elif what == 2:
            session.add(Task(kind="message", client_id=rassvet.id, due_at=at, created_at=at))
        else:
            session.add(CardChange(client_id=rassvet.id, at=at, field="product", new=str(number)))
    session.commit()
    seen, before = [], None
    while True:
        page = timeline.of_client(session, rassvet.id, timeline.KINDS, before)
        seen += [entry.place for entry in page.entries]
        if not page.more:
            break
        before = seen[-1]
    assert len(seen) == len(set(seen)) == 120
    assert seen == sorted(seen, reverse=True)
    session.add(Task(kind="message", client_id=rassvet.id, due_at=now, created_at=now + timedelta(seconds=1)))
    session.commit()
    again = timeline.of_client(session, rassvet.id, timeline.KINDS, until=seen[69])
    assert [entry.place for entry in again.entries][1:] == seen[:70] and again.more


def test_thousands_of_entries_are_as_quick_as_none(
    sign_in: SignIn, rassvet: Client, session: Session, clock: Clock, count_queries: Callable[[], int]
) -> None:
    browser, address = (
        sign_in("anna"),
        f"/clients/{rassvet.id}/history"
        + "".join(f"{'&' if number else '?'}show={kind}" for number, kind in enumerate(timeline.KINDS)),
    )

    def cost() -> int:
        before = count_queries()
        assert browser.get(address, headers=HTMX).status_code == 200
        return count_queries() - before

    empty = cost()
    now = clock()
    session.add_all(
        [Touch(started_at=now - timedelta(minutes=n), client_id=rassvet.id, door="mail") for n in range(5000)]
    )
    session.add_all(
        [CardChange(client_id=rassvet.id, at=now - timedelta(minutes=n), field="status", new="x") for n in range(5000)]
    )
    session.commit()
    begun = time.perf_counter()
    assert cost() <= empty + 3
    assert time.perf_counter() - begun < 2


def test_a_page_unfolded_is_drawn_anew_as_far(sign_in: SignIn, rassvet: Client, session: Session, clock: Clock) -> None:
    session.add_all([Touch(started_at=clock.move(minutes=1), client_id=rassvet.id, note=f"n{n}.") for n in range(70)])
    session.commit()
    browser, base = sign_in("anna"), f"/clients/{rassvet.id}/history"
    first = browser.get(base, headers=HTMX).get_data(as_text=True)
    until = re.findall(r'name="until" value="([^"]+)"', first)
    second = browser.get(f"{base}?before={until[0]}", headers=HTMX).get_data(as_text=True)
    until += re.findall(r'name="until" value="([^"]+)"', second)
    page = browser.get(base, query_string={"until": until}, headers=HTMX).get_data(as_text=True)
    assert page.count('class="entry ') == 60 and "n10." in page and "n9." not in page
    for wrong in ("before=x", "until=1-2", "before=" + "9" * 30):
        assert browser.get(f"{base}?{wrong}").status_code == 404

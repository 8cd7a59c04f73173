"""Lists to call through: made, spread, called through by the rules, and a meeting handed over with all that belongs."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call, CallAudience
from webapp.clients.models import CardChange, Client, PairVerdict
from webapp.deals.models import Deal
from webapp.feed import Feed
from webapp.jobs import work
from webapp.jobs.models import Job
from webapp.letters.models import Letter
from webapp.office.models import Region
from webapp.reports import ledger
from webapp.tasks.models import Task
from webapp.touches.models import Touch
from webapp.worklists import calling, lines, making, queries
from webapp.worklists.models import Approach, Worklist, WorklistItem

SignIn = Callable[[str], FlaskClient]
MOSCOW = ZoneInfo("Europe/Moscow")
PASTED = "+7 495 000-00-01;Rassvet;Orlov Pavel;windows\n+7 495 000-00-02;Granit\n+7 495 000-00-03;Bazalt"


@pytest.fixture
def agent(office: dict[str, User]) -> User:
    return office["agent"]


@pytest.fixture
def worklist(session: Session, agent: User, office: dict[str, User], clock: Clock) -> Worklist:
    """Three numbers for the agent."""
    found, _told, _job = making.make(session, "Directory", lines.split(PASTED), [agent], office["head"], clock(), "RU")
    session.commit()
    return found


def items(session: Session) -> list[WorklistItem]:
    session.expire_all()
    return list(session.scalars(select(WorklistItem).order_by(WorklistItem.id)))


def count(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


PAGES = ["", "/new", "/1", "/call", "/1/call", "/items/1", "/items/1/state", "/items/1/meeting", "/1.csv"]
POSTS = ["/items/1/dial", "/items/1/why", "/items/1/results/wrong", "/items/1/meeting/hits", "/items/1/meeting"]
HEADS = ["/1/close", "/1/reopen", "/1/reassign"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_for_those_who_call(app: Flask, sign_in: SignIn, worklist: Worklist, address: str) -> None:
    agent = sign_in("agent").get("/clients/lists" + address, buffered=True)
    assert agent.status_code == (303 if address.endswith("call") else 200), agent.get_data(as_text=True)
    for login in ("secretary", "admin", "expert"):
        assert sign_in(login).get("/clients/lists" + address).status_code == 403
    g.pop("_login_user", None)
    assert "/login" in app.test_client().get("/clients/lists" + address).headers["Location"]


@pytest.mark.parametrize("address", ["/1", "/1/call", "/items/1", "/items/1/meeting", "/1.csv", "/items/1/state"])
def test_a_colleagues_list_is_not_there(sign_in: SignIn, worklist: Worklist, address: str) -> None:
    assert sign_in("anna").get("/clients/lists" + address).status_code == 404
    assert "Directory" not in sign_in("anna").get("/clients/lists").get_data(as_text=True)


@pytest.mark.parametrize("address", [*POSTS, *HEADS])
def test_nobody_changes_a_colleagues_list(app: Flask, sign_in: SignIn, worklist: Worklist, address: str) -> None:
    status = 403 if address in HEADS else 404
    assert sign_in("anna").post("/clients/lists" + address).status_code == status
    assert sign_in("secretary").post("/clients/lists" + address).status_code == 403
    other = address.replace("/1", "/999")
    assert sign_in("head").post("/clients/lists" + other).status_code == 404
    g.pop("_login_user", None)
    assert "/login" in app.test_client().post("/clients/lists" + address).headers["Location"]


# Making


def test_the_head_spreads_a_list_evenly(sign_in: SignIn, office: dict[str, User], session: Session) -> None:
    agents = [office["agent"].id, office["anna"].id]
    text = "\n".join(f"+7 495 000-00-{number:02};Firm {number}" for number in range(1, 8))
    answer = sign_in("head").post("/clients/lists", data={"name": "Fair", "lines": text, "agents": agents})
    assert answer.headers["Location"].endswith("/clients/lists/1")
    assert [one.agent_id for one in items(session)] == [*(agents * 3), agents[0]]
    assert {row.user_id for row in session.scalars(select(Feed).where(Feed.kind == "worklist"))} == set(agents)


def test_others_make_lists_for_themselves_alone(sign_in: SignIn, office: dict[str, User], session: Session) -> None:
    data = {"name": "Mine", "lines": "+7 495 000-00-01", "agents": [office["anna"].id]}
    assert sign_in("agent").post("/clients/lists", data=data).status_code == 303
    assert [one.agent_id for one in items(session)] == [office["agent"].id]


def test_what_is_left_out_and_what_is_marked(
    session: Session, office: dict[str, User], clock: Clock, make_card: Maker, worklist: Worklist
) -> None:
    card = make_card("Sever", ("+7 495 000-00-09",), owner_id=office["anna"].id)
    first = items(session)[2]
    first.state = "never"
    session.commit()
    text = (
        "8 495 000-00-09;Sever\n84950000009;Sever again\n+7 495 000-00-01;on the other list\n"
        "+7 495 000-00-03;asked never to be called\nnobody knows;Odd\n;Nothing"
    )
    new, told, job = making.make(session, "Second", lines.split(text), [office["boris"]], office["head"], clock(), "RU")
    assert job is None
    assert told == making.Told(taken=2, known=1, unread=1, double=1, elsewhere=1, never=1, empty=1)
    mine = [one for one in items(session) if one.worklist_id == new.id]
    assert [(one.number, one.client_id) for one in mine] == [("+74950000009", card.id), ("nobody knows", None)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"), ({"name": "x" * 121}, "name"), ({"agents": []}, "agents"), ({"lines": ""}, "lines"),
        ({"lines": "no number at all\nnone here"}, "lines"), ({"channel": "99"}, "channel"),
        ({"manager": "x"}, "manager"),
        ({"agents": ["x", "-1"]}, "agents"), ({"lines": "1\n" * (lines.MOST + 1)}, "lines"),
    ],
)  # fmt: skip
def test_a_list_that_can_not_be_made(
    sign_in: SignIn, office: dict[str, User], session: Session, change: dict[str, Any], field: str
) -> None:
    data = {"name": "Fair", "lines": PASTED, "agents": [str(office["agent"].id)]} | change
    answer = sign_in("head").post("/clients/lists", data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f'id="{field}-error" role="alert"' in page
    assert "Rassvet" in page or "lines" in change
    assert count(session, Worklist) == 0


def test_ten_thousand_lines_are_read_in_the_background(
    sign_in: SignIn, office: dict[str, User], session: Session, clock: Clock
) -> None:
    text = "Телефон;Фирма\n" + "\n".join(
        f"+7 495 {n // 10000:03}-{n // 100 % 100:02}-{n % 100:02};Фирма {n}" for n in range(10_000)
    )
    agents = [office["agent"].id, office["anna"].id, office["boris"].id]
    answer = sign_in("head").post("/clients/lists", data={"name": "Long", "lines": text + "\n", "agents": agents})
    assert answer.status_code == 303 and "job=" in answer.headers["Location"]
    assert count(session, WorklistItem) == making.BATCH
    job = work.claim(session, clock())
    assert job is not None
    session.commit()
    while work.carry_on(session, job.id, clock()):
        pass
    done = session.get_one(Job, job.id)
    assert (done.state, done.done, done.facts["rows"]) == ("done", 10_000 - making.BATCH, [])
    assert done.facts["told"]["taken"] == 10_000
    spread = session.execute(select(func.count(WorklistItem.id)).group_by(WorklistItem.agent_id)).scalars().all()
    assert sorted(spread) == [3333, 3333, 3334]
    page = sign_in("head").get(answer.headers["Location"]).get_data(as_text=True)
    assert "10,000 numbers taken" in page or "10000 numbers taken" in page


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_a_file_may_hold_the_lines(sign_in: SignIn, office: dict[str, User], session: Session, ending: str) -> None:
    if ending == "xlsx":
        book = openpyxl.Workbook()
        for row in (("Фирма", "Телефон"), ("Рассвет", "8 495 000-00-01"), ("Гранит", 84950000002)):
            book.active.append(row)
        content = io.BytesIO()
        book.save(content)
    else:
        content = io.BytesIO("Фирма;Телефон\nРассвет;8 495 000-00-01\nГранит;84950000002".encode("cp1251"))
    content.seek(0)
    data = {"name": "File", "agents": [str(office["agent"].id)], "file": (content, f"list.{ending}")}
    assert sign_in("head").post("/clients/lists", data=data).status_code == 303
    assert [(one.number, one.company) for one in items(session)] == [
        ("+74950000001", "Рассвет"), ("+74950000002", "Гранит"),
    ]  # fmt: skip


def test_cards_of_a_filter_become_lines(sign_in: SignIn, make_card: Maker, office: dict[str, User]) -> None:
    make_card("Rassvet; Ltd", ("+7 495 000-00-01",), surname="Orlov", category="A")
    make_card("Granit", ("+7 495 000-00-02",), category="B")
    make_card("Bazalt", category="A")
    page = sign_in("head").post("/clients/lists/from-cards", data={"category": "A"}).get_data(as_text=True)
    assert "+74950000001;Rassvet, Ltd;Orlov;</textarea>" in page
    assert sign_in("agent").post("/clients/lists/from-cards").status_code == 403
    assert sign_in("head").post("/clients/lists/from-cards", data={"category": "Z"}).status_code == 404


def test_a_file_that_is_none(sign_in: SignIn, office: dict[str, User], session: Session) -> None:
    data = {"name": "Odd", "agents": [str(office["agent"].id)], "file": (io.BytesIO(b"PK\x03\x04half"), "list.xlsx")}
    answer = sign_in("head").post("/clients/lists", data=data)
    assert answer.status_code == 422 and 'id="file-error" role="alert"' in answer.get_data(as_text=True)
    assert count(session, Worklist) == 0


# Calling through


def results(item: int, **form: Any) -> dict[str, Any]:
    return {"when": "12.03.2026 10:00", "next_kind": "call_back", "note": "", "seen": 0} | form


def test_due_numbers_come_before_new_ones(
    session: Session, agent: User, worklist: Worklist, clock: Clock, sign_in: SignIn
) -> None:
    first, second, third = items(session)
    assert calling.following(session, agent, None, clock()) is first
    third.next_at = clock() - timedelta(minutes=1)
    second.next_at = clock() - timedelta(hours=1)
    session.commit()
    assert calling.following(session, agent, worklist.id, clock()) is second
    assert sign_in("agent").get("/clients/lists/1/call").headers["Location"].endswith(f"/items/{second.id}")
    for one in (first, second, third):
        one.next_at = clock() + timedelta(hours=one.id)
    session.commit()
    assert calling.following(session, agent, None, clock()) is None
    assert "today 13:00" in sign_in("agent").get("/clients/lists/call").get_data(as_text=True)


def test_not_reached_is_tried_again_a_couple_of_days_later(
    sign_in: SignIn, session: Session, agent: User, worklist: Worklist, clock: Clock
) -> None:
    browser = sign_in("agent")
    assert 'value="12.03.2026 10:00"' in browser.get("/clients/lists/items/1").get_data(as_text=True)
    answer = browser.post("/clients/lists/items/1/results/not_reached", data=results(1, note="rang long"))
    assert answer.headers["Location"].endswith("/clients/lists/1/call")
    item = items(session)[0]
    assert (item.state, item.approaches, item.next_at) == ("open", 1, datetime(2026, 3, 12, 7, tzinfo=UTC))
    touch = session.scalars(select(Touch)).one()
    assert (touch.direction, touch.user_id, touch.closed_at, touch.next_at) == ("out", agent.id, clock(), item.next_at)
    assert touch.outcome and touch.outcome.key == "not_reached"
    assert touch.note == "Rassvet · Orlov Pavel\nrang long"
    assert count(session, Task) == 0, "the list itself reminds"
    (row,) = ledger.rows(session, clock() - timedelta(hours=1), clock() + timedelta(hours=1))
    assert (row.finished, row.is_contact) == (True, False)


def test_who_was_spoken_to_is_sent_an_offer_and_called_as_promised(
    sign_in: SignIn, session: Session, agent: User, worklist: Worklist, clock: Clock
) -> None:
    browser = sign_in("agent")
    page = browser.get("/clients/lists/items/1").get_data(as_text=True)
    assert page.index('<option value="offer" selected>') > page.index('id="call_later-next_kind"')
    browser.post("/clients/lists/items/1/results/call_later", data=results(1, next_kind="offer", when="завтра 12"))
    offer = session.scalars(select(Task)).one()
    assert (offer.user_id, offer.number, offer.kind) == (agent.id, "+74950000001", "next_touch")
    clock.move(days=1)
    browser.post("/clients/lists/items/1/results/call_later", data=results(1, seen=1, when="in 2 h"))
    clock.move(hours=2)
    promised = session.scalars(select(Task).where(Task.id != offer.id)).one()
    assert promised.done_at is None
    browser.post("/clients/lists/items/1/results/not_reached", data=results(1, seen=2, when="tomorrow"))
    session.expire_all()
    assert promised.done_at == clock() and promised.report == "Not reached" and offer.done_at is None


def test_two_clicks_are_one(sign_in: SignIn, session: Session, worklist: Worklist) -> None:
    browser = sign_in("agent")
    for _ in range(2):
        assert browser.post("/clients/lists/items/1/results/not_reached", data=results(1)).status_code == 303
    assert (items(session)[0].approaches, count(session, Approach), count(session, Touch)) == (1, 1, 1)
    browser.post("/clients/lists/items/2/results/wrong", data=results(2))
    again = browser.post("/clients/lists/items/2/results/refused", data=results(2, note="no"))
    assert again.headers["Location"].endswith("/clients/lists/call")
    assert (items(session)[1].state, count(session, Approach)) == ("wrong", 2)


def test_the_fifth_call_needs_a_reason(sign_in: SignIn, session: Session, worklist: Worklist) -> None:
    browser, address = sign_in("agent"), "/clients/lists/items/1"
    for seen in range(4):
        browser.post(f"{address}/results/not_reached", data=results(1, seen=seen))
    page = browser.get(address).get_data(as_text=True)
    assert "4 calls came to nothing" in page and "data-panel" not in page and "dial-button" not in page
    assert browser.post(f"{address}/results/not_reached", data=results(1, seen=4)).status_code == 422
    assert browser.post(f"{address}/dial").status_code == 422
    assert browser.post(f"{address}/meeting", data=MEETING).status_code == 422
    assert browser.post(f"{address}/why", data={"why": " "}).status_code == 422
    assert items(session)[0].approaches == 4
    assert browser.post(f"{address}/why", data={"why": "the director is back on Monday"}).status_code == 303
    assert browser.post(f"{address}/results/not_reached", data=results(1, seen=4)).status_code == 303
    assert (
        session.scalars(select(Approach.note).order_by(Approach.id.desc())).first() == "the director is back on Monday"
    )
    assert "5 calls came to nothing" in browser.get(address).get_data(as_text=True), "the sixth needs one too"
    assert browser.post(f"{address}/why", data={"do": "give_up"}).status_code == 303
    assert items(session)[0].state == "given_up"


@pytest.mark.parametrize(
    ("result", "form", "field"),
    [
        ("not_reached", {"when": ""}, "when"), ("not_reached", {"when": "yesterday 10"}, "when"),
        ("call_later", {"when": "some day"}, "when"), ("call_later", {"next_kind": "dance"}, "next_kind"),
        ("refused", {"note": " "}, "note"), ("refused", {"note": "x" * 500}, "note"),
    ],
)  # fmt: skip
def test_a_result_that_lacks_something(
    sign_in: SignIn, session: Session, worklist: Worklist, result: str, form: dict[str, str], field: str
) -> None:
    typed = results(1, note="they said so") | form
    answer = sign_in("agent").post(f"/clients/lists/items/1/results/{result}", data=typed)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    if field != "next_kind":
        assert f'id="{result}-{field}-error" role="alert"' in page
    assert "they said so" in page or "note" in form
    assert (items(session)[0].approaches, count(session, Touch)) == (0, 0)


def test_never_again_is_kept_and_unknown_results_are_not(sign_in: SignIn, session: Session, worklist: Worklist) -> None:
    browser = sign_in("agent")
    assert browser.post("/clients/lists/items/1/results/bought", data=results(1)).status_code == 404
    assert browser.post("/clients/lists/items/1/results/meeting", data=results(1)).status_code == 404
    browser.post("/clients/lists/items/1/results/refused", data=results(1, note="angry", never="1"))
    assert items(session)[0].state == "never"


def test_the_result_belongs_to_the_call_that_was_placed(
    sign_in: SignIn, session: Session, agent: User, worklist: Worklist, clock: Clock
) -> None:
    call = Call(
        call_id="out-1", direction="out", state="ended", placed_by_id=agent.id, number="+74950000001",
        offered_at=clock(), answered_at=clock(), ended_at=clock(), talk_seconds=40, rings=2, end_reason="completed",
    )  # fmt: skip
    session.add(call)
    session.flush()
    session.add(CallAudience(call_id=call.id, user_id=agent.id, extension="x", state="taken"))
    session.add(Touch(direction="out", started_at=clock(), user_id=agent.id, call_id=call.id, draft={"phone": "x"}))
    session.commit()
    browser = sign_in("agent")
    assert "talk 0:40" in browser.get("/clients/lists/items/1").get_data(as_text=True)
    browser.post("/clients/lists/items/1/results/refused", data=results(1, note="no need"))
    touch = session.scalars(select(Touch)).one()
    approach = session.scalars(select(Approach)).one()
    assert (touch.call_id, approach.touch_id, approach.result) == (call.id, touch.id, "refused")
    assert touch.closed_at and touch.outcome and touch.outcome.key == "refused"


def test_nobody_calls_without_a_telephone_or_leave(sign_in: SignIn, worklist: Worklist) -> None:
    answer = sign_in("agent").post("/clients/lists/items/1/dial", headers={"HX-Request": "true"})
    assert answer.status_code == 422 and "not allowed for your role" in answer.get_data(as_text=True)


# A meeting

MEETING = {
    "name": "Rassvet", "phone": "+7 495 000-00-01", "website": "rassvet.example", "deal": "Windows for the office",
    "kind": "meeting_theirs", "place": "Lesnaya 5", "when": "12.03 15:00", "note": "ask for a pass",
    "p0_surname": "Orlov", "p0_given_name": "Pavel", "p0_position": "buyer", "p0_email": "pavel@rassvet.example",
    "p1_surname": "Belkina", "p1_mobile": "+7 944 000-00-05",
}  # fmt: skip


def test_a_meeting_makes_card_people_and_deal_and_hands_them_over(
    sign_in: SignIn, session: Session, agent: User, office: dict[str, User], worklist: Worklist, clock: Clock
) -> None:
    worklist.manager_id = office["boris"].id
    session.commit()
    browser = sign_in("agent")
    page = browser.get("/clients/lists/items/1/meeting").get_data(as_text=True)
    assert 'value="Orlov"' in page and 'value="Pavel"' in page and 'value="Rassvet"' in page
    assert browser.post("/clients/lists/items/1/meeting", data=MEETING).status_code == 303
    client = session.scalars(select(Client)).one()
    assert (client.created_by_id, client.owner_id) == (agent.id, office["boris"].id)
    assert [person.full_name for person in client.people] == ["Orlov Pavel", "Belkina"]
    assert {(p.kind, p.person_id is None) for p in client.contact_points} == {
        ("phone", True), ("email", False), ("mobile", False),
    }  # fmt: skip
    deal = session.scalars(select(Deal)).one()
    assert (deal.title, deal.owner_id, deal.client_id) == ("Windows for the office", office["boris"].id, client.id)
    opened = session.scalars(select(CardChange).where(CardChange.field == "deal")).one()
    assert (opened.user_id, opened.deal_id, opened.source) == (agent.id, deal.id, "worklist")
    touch = session.scalars(select(Touch)).one()
    at = datetime(2026, 3, 12, 12, tzinfo=UTC)
    assert (touch.user_id, touch.client_id, touch.next_at, touch.next_kind) == (
        agent.id,
        client.id,
        at,
        "meeting_theirs",
    )
    meeting, news = session.scalars(select(Task).order_by(Task.kind.desc(), Task.id)).all()
    assert (meeting.kind, meeting.user_id, meeting.due_at) == ("next_touch", office["boris"].id, at)
    assert "Lesnaya 5" in meeting.text and agent.name in meeting.text
    assert (news.kind, news.user_id, news.due_at) == ("message", office["boris"].id, clock())
    item = items(session)[0]
    assert (item.state, item.client_id, item.ended_at) == ("meeting", client.id, clock())
    told = session.scalars(select(Feed).where(Feed.user_id == office["boris"].id, Feed.kind == "tasks")).all()
    assert told
    letter = session.scalars(select(Letter)).one()
    assert (letter.user_id, letter.touch_id, letter.client_id) == (agent.id, touch.id, client.id)
    assert "Rassvet" in sign_in("boris").get("/desk").get_data(as_text=True)
    (row,) = ledger.rows(session, clock() - timedelta(hours=1), clock() + timedelta(hours=1))
    assert (row.manager, row.client, row.counts_as, row.finished) == (agent.name, "Rassvet", "meeting", True)


def test_a_second_click_makes_no_second_meeting(sign_in: SignIn, session: Session, worklist: Worklist) -> None:
    browser = sign_in("agent")
    for _ in range(2):
        assert browser.post("/clients/lists/items/1/meeting", data=MEETING).status_code == 303
    assert (count(session, Client), count(session, Deal), count(session, Touch), count(session, Task)) == (1, 1, 1, 2)


def test_a_number_ended_meanwhile_makes_no_meeting(
    sign_in: SignIn, session: Session, worklist: Worklist, clock: Clock
) -> None:
    item = items(session)[0]
    making.close(session, session.get_one(Worklist, worklist.id), clock())
    session.commit()
    answer = sign_in("agent").post("/clients/lists/items/1/meeting", data=MEETING)
    assert answer.status_code == 303 and count(session, Client) == 0
    assert item.state == "open"


def test_a_known_client_gets_the_deal_and_stays_its_managers(
    sign_in: SignIn, session: Session, agent: User, office: dict[str, User], worklist: Worklist, make_card: Maker
) -> None:
    card = make_card("Рассвет", ("+7 495 000-00-01",), surname="Орлов", given_name="Павел", owner_id=office["vera"].id)
    browser = sign_in("agent")
    hits = browser.post("/clients/lists/items/1/meeting/hits", data=MEETING).get_data(as_text=True)
    assert f'name="say-{card.id}"' in hits and "same phone" in hits
    asked = browser.post("/clients/lists/items/1/meeting", data=MEETING)
    assert asked.status_code == 422 and "Is this Рассвет" in asked.get_data(as_text=True)
    assert (items(session)[0].state, count(session, Client), count(session, Deal)) == ("open", 1, 0)
    answer = browser.post("/clients/lists/items/1/meeting", data=MEETING | {f"say-{card.id}": "same"})
    assert answer.status_code == 303
    session.expire_all()
    assert (count(session, Client), card.owner_id, card.name) == (1, office["vera"].id, "Рассвет")
    assert [person.surname for person in card.people] == ["Орлов", "Belkina"]
    assert card.people[0].position == "buyer"
    deal = session.scalars(select(Deal)).one()
    assert (deal.client_id, deal.owner_id) == (card.id, office["vera"].id)


def test_another_one_is_remembered(sign_in: SignIn, session: Session, worklist: Worklist, make_card: Maker) -> None:
    card = make_card("Rassvet", ("+7 495 000-00-01",))
    sign_in("agent").post("/clients/lists/items/1/meeting", data=MEETING | {f"say-{card.id}": "other"})
    assert count(session, Client) == 2
    assert session.scalars(select(PairVerdict.verdict)).one() == "other"


def test_meetings_are_spread_by_region_and_evenly(
    sign_in: SignIn, session: Session, office: dict[str, User], agent: User, clock: Clock
) -> None:
    region = Region(names={"en": "East"})
    session.add(region)
    session.flush()
    office["vera"].region_id = region.id
    text = "\n".join(f"+7 495 000-01-{number:02};Firm {number}" for number in range(5))
    making.make(session, "Five", lines.split(text), [agent], office["head"], clock(), "RU")
    session.commit()
    browser = sign_in("agent")
    for number, extra in enumerate(({"region": region.id}, {}, {}, {}, {"manager": office["head"].id})):
        data = {"name": f"Unlike {'abcde'[number] * 7}", "deal": "x", "kind": "meeting_ours", "when": "12.03 15:00"}
        answer = browser.post(f"/clients/lists/items/{number + 1}/meeting", data=data | extra)
        assert answer.status_code == 303, answer.get_data(as_text=True)
    owners = session.scalars(select(User.name).join(Client, Client.owner_id == User.id).order_by(Client.id)).all()
    assert owners == ["Vera Sokolova", "Anna Petrova", "Boris Ivanov", "Anna Petrova", "Helen Markova"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"deal": ""}, "deal"), ({"deal": "x" * 201}, "deal"), ({"when": "9.03.2026 10:00"}, "when"),
        ({"when": "later"}, "when"),
        ({"when": ""}, "when"), ({"kind": "party"}, "kind"), ({"place": " "}, "place"), ({"manager": "999"}, "manager"),
        ({"region": "999"}, "region"), ({"name": "x" * 201}, "name"), ({"p0_surname": "x" * 81}, "p0_surname"),
        ({"p2_email": "whose@is.this"}, "p2_surname"),
        ({"name": "", "p0_surname": "", "p0_given_name": "", "p1_surname": ""}, "name"),
    ],
)  # fmt: skip
def test_a_meeting_that_can_not_be(
    sign_in: SignIn, session: Session, worklist: Worklist, change: dict[str, str], field: str
) -> None:
    answer = sign_in("agent").post("/clients/lists/items/1/meeting", data=MEETING | change)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f'id="m-{field}-error" role="alert"' in page
    assert "ask for a pass" in page
    assert (count(session, Client), count(session, Deal), count(session, Task), count(session, Touch)) == (0, 0, 0, 0)
    assert items(session)[0].state == "open"


# The head's view


def test_the_head_sees_how_far_everybody_is(
    sign_in: SignIn, session: Session, agent: User, worklist: Worklist, count_queries: Callable[[], int]
) -> None:
    browser = sign_in("agent")
    browser.post("/clients/lists/items/1/results/call_later", data=results(1))
    browser.post("/clients/lists/items/1/results/not_reached", data=results(1, seen=1))
    browser.post("/clients/lists/items/2/results/refused", data=results(2, note="no"))
    (mine,) = queries.counts(session, [worklist.id])[worklist.id]
    assert mine == queries.Count(agent.name, agent.id, numbers=3, called=2, reached=2, refused=1, left=2)
    head = sign_in("head")
    for address in ("/clients/lists", "/clients/lists/1"):
        before = count_queries()
        assert head.get(address).status_code == 200
        assert count_queries() - before <= 12, address
    table = head.get("/clients/lists/1.csv", buffered=True).get_data(as_text=True)
    assert "Rassvet" in table and "refused" in table
    assert f"Call list: {worklist.name} · CSV" in head.get("/exports").get_data(as_text=True)
    assert session.scalars(select(Job.done).where(Job.kind == "export")).all() == [3]


def test_a_closed_list_is_called_no_more_until_it_is_opened_again(
    sign_in: SignIn, session: Session, agent: User, worklist: Worklist, clock: Clock
) -> None:
    head = sign_in("head")
    assert head.post("/clients/lists/1/close").status_code == 303
    assert calling.following(session, agent, None, clock()) is None
    assert sign_in("agent").get("/clients/lists/items/1").headers["Location"].endswith("/clients/lists/call")
    assert head.post("/clients/lists/1/reopen").status_code == 303
    session.expire_all()
    assert calling.following(session, agent, None, clock()) is not None


def test_the_rest_goes_to_others(
    sign_in: SignIn, session: Session, agent: User, office: dict[str, User], worklist: Worklist
) -> None:
    sign_in("agent").post("/clients/lists/items/1/results/wrong", data=results(1))
    head = sign_in("head")
    assert head.post("/clients/lists/1/reassign", data={"from": agent.id}).status_code == 422
    assert head.post("/clients/lists/1/reassign", data={"from": 999, "agents": [office["anna"].id]}).status_code == 404
    chosen = [office["anna"].id, office["boris"].id]
    assert head.post("/clients/lists/1/reassign", data={"from": agent.id, "agents": chosen}).status_code == 303
    assert [one.agent_id for one in items(session)] == [agent.id, *chosen]
    assert sign_in("agent").get("/clients/lists/items/2").status_code == 404

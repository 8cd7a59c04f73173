"""Handing everything over: shown first, done as shown, nobody's change lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.models import CardChange, Client
from webapp.deals.models import Deal
from webapp.feed import Feed
from webapp.office.models import Region
from webapp.tasks import reassigning
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]
ALL = list(reassigning.AT_FIRST)


def owe(session: Session, user: User, clock: Clock, kind: str = "next_touch", client: Client | None = None) -> Task:
    task = Task(
        kind=kind,
        text=f"{kind} words",
        user_id=user.id,
        client_id=client.id if client else None,
        number="+74951112233",
        due_at=clock() + timedelta(hours=1),
        created_at=clock(),
    )
    session.add(task)
    session.commit()
    return task


def preview(head: FlaskClient, ill: User, to: list[User], what: list[str] = ALL, rule: str = "evenly") -> str:
    data: dict[str, Any] = {"person": ill.id, "what": what, "to": [user.id for user in to], "rule": rule}
    answer = head.post("/tasks/reassign/preview", data=data)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def plan_of(page: str) -> str:
    found = re.search(r'name="plan" value="([^"]*)"', page)
    assert found
    return found[1]


def test_it_is_shown_first_and_nothing_is_written(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    for _ in range(5):
        owe(session, office["anna"], clock)
    owe(session, office["boris"], clock)
    head = sign_in("head")
    assert f'value="{office["anna"].id}" selected' in head.get(f"/tasks/reassign?person={office['anna'].id}").text
    page = preview(head, office["anna"], [office["boris"], office["vera"]])
    assert "5 rows" in page
    assert Counter(move.to_id for move in reassigning.read(plan_of(page))) == {
        office["boris"].id: 3,
        office["vera"].id: 2,
    }
    session.expire_all()
    assert {task.user_id for task in session.scalars(select(Task))} == {office["anna"].id, office["boris"].id}
    assert not session.scalars(select(Feed)).all()


def test_done_as_shown_with_a_line_on_the_cards_and_word_to_all(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, client_with: MakeClient
) -> None:
    anna, boris = office["anna"], office["boris"]
    client = client_with("+74950000001", "Rassvet", anna)
    tasks = [owe(session, anna, clock, kind, client) for kind in ("next_touch", "promise", "matter", "message")]
    deal = Deal(client_id=client.id, owner_id=anna.id, title="Boats", opened_at=clock())
    ended = Deal(client_id=client.id, owner_id=anna.id, title="Oars", stage="won", opened_at=clock())
    session.add_all([deal, ended])
    session.commit()
    head = sign_in("head")
    page = preview(head, anna, [boris])
    done = head.post("/tasks/reassign", data={"person": anna.id, "plan": plan_of(page)})
    assert done.status_code == 200 and "Boris Ivanov: <b>5</b>" in done.get_data(as_text=True)
    session.expire_all()
    assert {task.user_id for task in tasks} == {deal.owner_id} == {boris.id}
    assert ended.owner_id == client.owner_id == anna.id  # whose the clients are stays unless it is asked for
    assert {task.text for task in tasks} == {f"{task.kind} words" for task in tasks}
    lines = session.scalars(select(CardChange).where(CardChange.source == "reassign")).all()
    assert len(lines) == 5 and all("Anna Petrova" in line.old and line.new == "Boris Ivanov" for line in lines)
    told = set(session.execute(select(Feed.user_id, Feed.kind)).tuples())
    assert {(anna.id, "tasks"), (boris.id, "tasks"), (boris.id, "card")} <= told
    log = head.get(f"/clients/{client.id}/changes").get_data(as_text=True)
    assert "by a hand-over" in log
    again = head.post("/tasks/reassign", data={"person": anna.id, "plan": plan_of(page)})
    assert "Nothing was handed over." in again.get_data(as_text=True)  # a second press changes nothing


def test_rows_that_changed_meanwhile_are_left_and_named(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    anna, boris, vera = office["anna"], office["boris"], office["vera"]
    first, second, third = (owe(session, anna, clock) for _ in range(3))
    head = sign_in("head")
    page = preview(head, anna, [boris])
    first.done_at, second.user_id, second.text = clock(), vera.id, "taken by Vera"
    session.commit()
    done = head.post("/tasks/reassign", data={"person": anna.id, "plan": plan_of(page)}).get_data(as_text=True)
    assert "2 rows had changed" in done and "taken by Vera" in done
    session.expire_all()
    assert (first.user_id, second.user_id, third.user_id) == (anna.id, vera.id, boris.id)


def test_by_rule_own_client_then_region_then_evenly(
    session: Session, office: dict[str, User], clock: Clock, client_with: MakeClient
) -> None:
    anna, boris, vera = office["anna"], office["boris"], office["vera"]
    north = session.scalars(select(Region)).first() or Region(names={"en": "North"})
    session.add(north)
    session.flush()
    vera.region_id = north.id
    own = client_with("+74950000001", "Own", boris)
    regional = client_with("+74950000002", "Regional", anna)
    regional.region_id = north.id
    session.commit()
    tasks = [owe(session, anna, clock, client=own) for _ in range(3)]
    tasks += [owe(session, anna, clock, client=regional), owe(session, anna, clock)]
    lines, more = reassigning.plan(session, anna, ALL, [boris, vera], "rule")
    by_task = {line.move.row_id: (line.move.to_id, line.why) for line in lines}
    assert not more and by_task[tasks[0].id] == (boris.id, "owner") and by_task[tasks[2].id] == (boris.id, "same")
    assert by_task[tasks[3].id] == (vera.id, "region") and by_task[tasks[4].id] == (vera.id, "evenly")


def test_clients_only_when_they_are_asked_for_and_one_client_goes_to_one(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, client_with: MakeClient
) -> None:
    anna, boris, vera = office["anna"], office["boris"], office["vera"]
    cards = [client_with(f"+7495000000{n}", f"Firm {n}", anna) for n in range(4)]
    tasks = [owe(session, anna, clock, client=card) for card in cards]
    head = sign_in("head")
    page = preview(head, anna, [boris, vera], [*ALL, "clients"])
    head.post("/tasks/reassign", data={"person": anna.id, "plan": plan_of(page)})
    session.expire_all()
    assert [card.owner_id for card in cards] == [task.user_id for task in tasks]
    assert Counter(card.owner_id for card in cards) == {boris.id: 2, vera.id: 2}


def test_bad_input_and_the_wrong_role(sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock) -> None:
    head, anna = sign_in("head"), office["anna"]
    bad = head.post("/tasks/reassign/preview", data={"to": [office["boris"].id]})
    words = bad.get_data(as_text=True)
    assert bad.status_code == 422 and "Who is away?" in words and "Choose what is handed over." in words
    assert re.search(rf'name="to" value="{office["boris"].id}" checked', words)
    himself = head.post("/tasks/reassign/preview", data={"person": anna.id, "what": ALL, "to": [anna.id]})
    assert himself.status_code == 422 and "at least one colleague" in himself.get_data(as_text=True)
    task = owe(session, anna, clock)
    for plan in ("", "x", "task:1", f"task:{task.id}:999", f"user:{task.id}:1", f"task:{task.id}:{office['admin'].id}"):
        assert head.post("/tasks/reassign", data={"person": anna.id, "plan": plan}).status_code == 200
    session.expire_all()
    assert task.user_id == anna.id
    assert head.post("/tasks/reassign", data={"person": "999", "plan": ""}).status_code == 404
    for login in ("anna", "secretary", "admin"):
        assert sign_in(login).get("/tasks/reassign").status_code == 403
        assert sign_in(login).post("/tasks/reassign", data={"person": anna.id}).status_code == 403


def test_the_preview_asks_no_more_for_more_rows(
    sign_in: SignIn,
    session: Session,
    office: dict[str, User],
    clock: Clock,
    client_with: MakeClient,
    count_queries: Callable[[], int],
) -> None:
    head = sign_in("head")

    def asked(rows: int) -> int:
        for number in range(rows):
            card = client_with(f"+7495{rows:03}{number:04}", f"Firm {rows} {number}", office["anna"])
            owe(session, office["anna"], clock, client=card)
            session.add(Deal(client_id=card.id, owner_id=office["anna"].id, title="x", opened_at=clock()))
        session.commit()
        session.rollback()
        before = count_queries()
        preview(head, office["anna"], [office["boris"], office["vera"]], [*ALL, "clients"], "rule")
        return count_queries() - before

    asked(1)
    assert asked(2) == asked(15)

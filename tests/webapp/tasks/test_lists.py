"""The page of tasks: by lateness, bounded, whose one may see; a task made, put off, reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.feed import Feed
from webapp.tasks import listing
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]


def owe(session: Session, user: User | None, clock: Clock, text: str, kind: str = "next_touch", **ahead: float) -> Task:
    task = Task(
        kind=kind,
        text=text,
        user_id=user.id if user else None,
        number="+74951112233",
        due_at=clock() + timedelta(**ahead),
        created_at=clock() - timedelta(days=5),
    )
    session.add(task)
    session.commit()
    return task


def page(client: FlaskClient, address: str = "/tasks") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_every_page_of_tasks_has_a_title_of_its_own(sign_in: SignIn, office: dict[str, User]) -> None:
    head = sign_in("head")
    addresses = ["", "/given", "/messages", "/overdue", "/reassign", "/new"]
    titles = {page(head, f"/tasks{one}").partition("<title>")[2].partition("</title>")[0] for one in addresses}
    assert len(titles) == len(addresses), titles


def test_what_is_owed_stands_by_lateness_in_groups(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    anna = office["anna"]
    for text, hours in (("later one", 60), ("late one", -1), ("later still", 90), ("today one", 5)):
        owe(session, anna, clock, text, hours=hours)
    owe(session, anna, clock, "tomorrow one", hours=20)
    owe(session, anna, clock, "latest one", hours=-40)
    owe(session, office["boris"], clock, "only boris", hours=-1)
    shown = page(sign_in("anna"))
    words = (
        *("Overdue", "latest one", "late one", ">Today", "today one", ">Tomorrow", "tomorrow one"),
        *(">Later <", "later one", "later still"),
    )
    places = [shown.index(word) for word in words]
    assert places == sorted(places) and "only boris" not in shown
    assert "Nothing is owed here." in page(sign_in("secretary"))
    assert sign_in("admin").get("/tasks").status_code == 403


def test_a_head_sees_anybodys_and_others_their_own_whatever_they_ask(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    owe(session, office["boris"], clock, "only boris", hours=-1)
    owe(session, None, clock, "for the head", kind="inbox", hours=-1)
    head, boris = sign_in("head"), office["boris"].id
    assert "for the head" in page(head) and "only boris" not in page(head)
    assert "for the head" not in page(head, f"/tasks?person={boris}") and "only boris" in page(
        head, f"/tasks?person={boris}"
    )
    assert "for the head" in page(head, "/tasks?person=all") and "only boris" in page(head, "/tasks?person=all")
    anna = sign_in("anna")
    for asked in (str(boris), "all", "-1", "x" * 30):
        assert "only boris" not in page(anna, f"/tasks?person={asked}")


def test_kinds_and_pages(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PER_PAGE", 3)
    for number in range(5):
        owe(session, office["anna"], clock, f"touch-{number}.", hours=number)
    owe(session, office["anna"], clock, "word kept", kind="promise", hours=9)
    anna = sign_in("anna")
    assert "word kept" in page(anna, "/tasks?kind=promise") and "touch-" not in page(anna, "/tasks?kind=promise")
    first, second = page(anna, "/tasks?kind=next_touch"), page(anna, "/tasks?kind=next_touch&page=2")
    assert "touch-2." in first and "touch-3." not in first and "page=2" in first
    assert "touch-2." not in second and "touch-4." in second and "page=3" not in second
    for nonsense in ("0", "-3", "x", "9" * 30):
        assert "touch-0." in page(anna, f"/tasks?page={nonsense}") or nonsense == "9" * 30


def test_the_number_of_questions_does_not_grow_with_the_list(
    sign_in: SignIn,
    session: Session,
    office: dict[str, User],
    clock: Clock,
    client_with: MakeClient,
    count_queries: Callable[[], int],
) -> None:
    head = sign_in("head")

    def grow(count: int) -> None:
        for number in range(count):
            task = owe(session, office["anna"], clock, f"{count}-{number}", hours=number - 2)
            task.client = client_with(f"+7495000{count:02}{number:02}", f"Firm {count} {number}")
            task.assigned_by_id = office["boris"].id
        session.commit()

    def asked(address: str) -> int:
        session.rollback()
        before = count_queries()
        page(head, address)
        return count_queries() - before

    addresses = ("/tasks?person=all", "/tasks/overdue", "/tasks/given", "/tasks/messages")
    grow(3)
    for address in addresses:
        page(head, address)
    few = [asked(address) for address in addresses]
    grow(12)
    assert [asked(address) for address in addresses] == few
    assert max(few) < 20


def test_a_task_is_put_off_by_a_key_or_in_words(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, "offer", hours=-1)
    first, anna, address = task.due_at, sign_in("anna"), f"/tasks/{task.id}/move"
    assert anna.post(address, data={"was": task.due_at.isoformat(), "to": "in_1h"}).status_code == 200
    session.expire_all()
    assert (task.due_at, task.first_due_at, task.moves) == (clock() + timedelta(hours=1), first, 1)
    anna.post(address, data={"was": task.due_at.isoformat(), "to": "tomorrow"})
    session.expire_all()
    assert task.due_at == datetime(2026, 3, 11, 7, tzinfo=UTC)
    moved = anna.post(address, data={"was": task.due_at.isoformat(), "when": "пт 15:30"})
    session.expire_all()
    assert (task.due_at, task.first_due_at, task.moves) == (datetime(2026, 3, 13, 12, 30, tzinfo=UTC), first, 3)
    assert "put off 3 times" in moved.get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("10.03.2026 11:00", "has passed: it is today 12:00 now"), ("soon", "Type a day and a time"), ("", "When?")],
)
def test_a_time_in_the_past_is_refused_in_words_and_kept(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, typed: str, said: str
) -> None:
    task = owe(session, office["anna"], clock, "offer", hours=-1)
    due, anna = task.due_at, sign_in("anna")
    refused = anna.post(f"/tasks/{task.id}/move", data={"was": due.isoformat(), "when": typed})
    words = refused.get_data(as_text=True)
    assert refused.status_code == 422 and said in words and f'value="{typed}"' in words
    made = anna.post("/tasks/new", data={"whom": "+7 495 111-22-33", "words": "call him", "when": typed})
    words = made.get_data(as_text=True)
    assert made.status_code == 422 and said in words and "call him" in words and "+7 495 111-22-33" in words
    session.expire_all()
    assert task.due_at == due and len(session.scalars(select(Task)).all()) == 1


def test_two_who_put_off_at_once_do_not_overwrite_each_other(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, "offer", hours=-1)
    shown = task.due_at.isoformat()
    anna, head, address = sign_in("anna"), sign_in("head"), f"/tasks/{task.id}/move"
    assert anna.post(address, data={"was": shown, "to": "in_1h"}).status_code == 200
    late = head.post(address, data={"was": shown, "to": "tomorrow"})
    assert late.status_code == 409 and "meanwhile" in late.get_data(as_text=True)
    session.expire_all()
    assert task.due_at == clock() + timedelta(hours=1) and task.moves == 1


def test_what_was_promised_is_not_put_off_and_a_deadline_only_by_who_gave_it(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    promise = owe(session, office["anna"], clock, "", kind="promise", hours=1)
    matter = owe(session, office["anna"], clock, "", kind="matter", hours=1)
    matter.assigned_by_id = office["boris"].id
    session.commit()
    data = {"was": matter.due_at.isoformat(), "to": "tomorrow"}
    anna = sign_in("anna")
    for task in (promise, matter):
        assert anna.post(f"/tasks/{task.id}/move", data=data).status_code == 404
    assert sign_in("boris").post(f"/tasks/{matter.id}/move", data=data).status_code == 200
    assert sign_in("vera").post(f"/tasks/{matter.id}/move", data=data).status_code == 404
    for bad in ({"was": "never", "to": "tomorrow"}, {"to": "tomorrow"}):
        assert sign_in("head").post(f"/tasks/{matter.id}/move", data=bad).status_code == 404


def test_a_task_by_hand_for_a_number_a_name_or_a_card(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, client_with: MakeClient
) -> None:
    rassvet = client_with("+74950000001", "Rassvet")
    client_with("+74950000002", "Granit North")
    client_with("+74950000003", "Granit South")
    anna = sign_in("anna")

    def make(**data: str) -> tuple[int, str, Task | None]:
        answer = anna.post("/tasks/new", data={"words": "offer", "when": "tomorrow 10", **data})
        newest = session.scalars(select(Task).order_by(Task.id.desc()).limit(1)).first()
        return answer.status_code, answer.get_data(as_text=True), newest

    code, _words, task = make(whom="8 (495) 000-00-01")
    assert code == 303 and task and (task.client_id, task.number) == (rassvet.id, "+74950000001")
    assert task.due_at == datetime(2026, 3, 11, 7, tzinfo=UTC) and task.user_id == office["anna"].id
    code, _words, task = make(whom="8 495 777-77-77")
    assert code == 303 and task and (task.client_id, task.number) == (None, "+74957777777")
    code, _words, task = make(whom="rassvet")
    assert code == 303 and task and task.client_id == rassvet.id
    code, words, _task = make(whom="Granit")
    assert code == 422 and "choose one below" in words and "Granit South" in words
    code, words, _task = make(whom="Polden")
    assert code == 422 and "No client is called so" in words and "Polden" in words
    code, words, _task = make(whom="", words=" ")
    assert code == 422 and "With whom?" in words and "What is to be done?" in words
    code, _words, task = make(client=str(rassvet.id))
    assert code == 303 and task and task.client_id == rassvet.id
    assert "Rassvet" in page(anna, f"/tasks/new?client={rassvet.id}")
    assert anna.get("/tasks/new?client=999").status_code == 404


def test_a_report_has_three_parts_and_is_read_in_the_list_of_what_was_done(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, "offer", hours=-1)
    report = {"report": "Sent it", "report_how": "by mail", "report_result": "they will answer on Friday"}
    anna = sign_in("anna")
    kept = anna.post(f"/tasks/{task.id}/done", data={**report, "report": ""})
    assert kept.status_code == 422 and "by mail" in kept.get_data(as_text=True)
    assert anna.post(f"/tasks/{task.id}/done", data=report).status_code == 200
    session.expire_all()
    assert (task.report, task.report_how, task.report_result) == tuple(report.values())
    shown = page(anna, "/tasks?show=done")
    assert all(words in shown for words in report.values()) and "Sent it" not in page(anna)


def test_what_is_late_stands_by_person_the_oldest_debt_first(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    owe(session, office["anna"], clock, "late by two", hours=-2)
    owe(session, office["boris"], clock, "late by nine", kind="matter", hours=-9)
    owe(session, office["anna"], clock, "in time", hours=2)
    shown = page(sign_in("head"), "/tasks/overdue")
    assert shown.index("Boris Ivanov") < shown.index("late by nine") < shown.index("Anna Petrova")
    assert "in time" not in shown and "9 h 0 min" in shown
    assert sign_in("anna").get("/tasks/overdue").status_code == 403


def test_who_gave_a_matter_hears_of_its_report(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, "count the stock", kind="matter", hours=5)
    task.assigned_by_id = office["boris"].id
    session.commit()
    boris = sign_in("boris")
    assert "under way" in page(boris, "/tasks/given") and "count the stock" not in page(boris)
    done = {"report": "Counted", "report_how": "by hand", "report_result": "40 left"}
    sign_in("anna").post(f"/tasks/{task.id}/done", data=done)
    assert office["boris"].id in session.scalars(select(Feed.user_id).where(Feed.kind == "tasks")).all()
    shown = page(boris, "/tasks/given")
    assert "reported" in shown and "Counted" in shown and "by hand" in shown and "40 left" in shown

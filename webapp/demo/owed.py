"""What colleagues of the demo office owe each other: messages for the absent, matters passed on, old tasks told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import cards
from webapp.clients.models import Client
from webapp.tasks.models import Message, Task

RU = (
    ("«Ждём образцы второй день. Пусть сама позвонит, а не через секретаря».", "annoyed"),
    ("«Передайте, что договор подписали, скан отправили утром».", "friendly"),
    ("Уточнить на складе остаток и сказать клиенту срок.", "Остаток есть, отгрузка в четверг."),
    ("Посчитать доставку до Вологды.", ""),
)
EN = (
    ("“We have been waiting two days for the samples. Let her call herself.”", "annoyed"),
    ("“Tell them the contract is signed; the scan went out this morning.”", "friendly"),
    ("Ask the warehouse what is left and tell the client when it can go.", "It is there, it goes on Thursday."),
    ("Work out the delivery to the coast.", ""),
)


def make_owed(
    session: Session, language: str, users: Mapping[str, User], clients: Sequence[Client], now: datetime
) -> None:
    """Two messages, one of them read, and two matters, one of them reported; nobody is reminded of what is late."""
    first, second, third, fourth = RU if language == "ru" else EN
    anna, mark, vera, sofia, helen = (users[login] for login in ("anna", "mark", "vera", "sofia", "helen"))
    for text, to, minutes, client in ((first, anna, 50, clients[0]), (second, mark, 190, clients[1])):
        at = now - timedelta(minutes=minutes)
        words, mood = text
        task = _task(session, "message", words, to, client, at, at + timedelta(minutes=90 if to is anna else 0))
        task.message = Message(who=cards.title(client), mood=mood, read_back=True, taken_by_id=sofia.id)
        if to is mark:
            task.message.delivered_at = task.message.read_at = task.done_at = at + timedelta(minutes=12)
            task.done_by_id = mark.id
    for text, to, giver, hours, client in ((third, vera, anna, 26, clients[2]), (fourth, anna, helen, 3, clients[3])):
        words, result = text
        at = now - timedelta(hours=hours)
        task = _task(session, "matter", words, to, client, at, now + timedelta(hours=20 - hours))
        task.assigned_by_id = giver.id
        if result:
            task.report, task.report_result = result, ""
            task.done_at, task.done_by_id = at + timedelta(hours=2), to.id
    session.flush()
    session.execute(
        update(Task).where(Task.due_at <= now).values(reminded_at=Task.due_at, reminder_answered_at=Task.due_at)
    )


def _task(session: Session, kind: str, text: str, user: User, client: Client, at: datetime, due_at: datetime) -> Task:
    task = Task(kind=kind, text=text, user_id=user.id, client_id=client.id, created_at=at, due_at=due_at)
    session.add(task)
    return task

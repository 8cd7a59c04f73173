"""Words for an absent colleague: who, what verbatim, in what mood, read back; delivered, read, never lost (D58)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.accounts.queries import heads
from webapp.clients import cards
from webapp.mail import queue
from webapp.office.queries import the_office
from webapp.pages import moment, phone
from webapp.tasks.models import Message, Task
from webapp.tasks.work import concerned, from_touch
from webapp.touches.models import Touch

MOODS = {
    "calm": _l("calm"),
    "friendly": _l("friendly"),
    "hurried": _l("in a hurry"),
    "worried": _l("worried"),
    "annoyed": _l("annoyed"),
    "angry": _l("angry"),
}
LIST_LIMIT = 100


@dataclass(frozen=True)
class Draft:
    """A message as its form was read. `promised`: when the caller was told that he will be called, None for no time."""

    to: User
    who: str
    words: str
    mood: str
    read_back: bool
    promised: datetime | None


def begin(session: Session, touch: Touch, words: str, recipient_id: int | None, taken_by: User, now: datetime) -> Task:
    """Words as they were said, for a colleague (the heads when nobody is named); who takes them may complete them."""
    task = from_touch(touch, "message", words, recipient_id, now)
    task.message = Message(who=caller_of(touch), taken_by_id=taken_by.id)
    session.add(task)
    session.flush()
    feed.announce(session, [*([recipient_id] if recipient_id else []), *heads(session)], "tasks", task.id, now)
    return task


def take(session: Session, touch: Touch, draft: Draft, user: User, now: datetime) -> Task:
    """The whole message, stored with its touch; the one that the script began is completed. Mailed as well."""
    task = unfinished(session, touch, user) or from_touch(touch, "message", "", None, now)
    before = task.user_id
    task.text, task.user_id, task.due_at = draft.words.strip(), draft.to.id, draft.promised or now
    task.client_id = touch.client_id
    message = task.message or Message(taken_by_id=user.id)
    message.who, message.mood, message.read_back = draft.who.strip(), draft.mood, draft.read_back
    task.message = message
    session.add(task)
    session.flush()
    session.expire(task, ["user"])
    mail(session, task, now)
    told = [draft.to.id, *([before] if before else []), user.id, *heads(session)]
    feed.announce(session, told, "tasks", task.id, now)
    return task


def unfinished(session: Session, touch: Touch, user: User) -> Task | None:
    """The message that the script began in this touch and nobody has completed or read."""
    return session.scalars(
        select(Task)
        .join(Task.message)
        .where(Task.touch_id == touch.id, Task.kind == "message", Task.done_at.is_(None))
        .where(Message.read_at.is_(None), Message.mood == "", Message.taken_by_id == user.id)
        .order_by(Task.id.desc())
        .limit(1)
    ).first()


def of_touch(session: Session, touch_id: int) -> Sequence[Task]:
    """The messages taken in a touch, the newest first."""
    return session.scalars(
        select(Task)
        .where(Task.touch_id == touch_id, Task.kind == "message")
        .order_by(Task.id.desc())
        .limit(5)
        .options(joinedload(Task.message), joinedload(Task.user))
    ).all()


def listed(session: Session, user: User, page: int) -> tuple[Sequence[Task], bool]:
    """Messages with their states, those unread and the newest first: a head's are everybody's, others see those they
    took or were left. The second value: a further page follows."""
    query = select(Task).join(Task.message).where(Task.kind == "message")
    if not user.has_role(Role.HEAD):
        query = query.where((Message.taken_by_id == user.id) | (Task.user_id == user.id))
    found = session.scalars(
        query.order_by(Message.read_at.is_not(None), Task.created_at.desc(), Task.id.desc())
        .offset((page - 1) * LIST_LIMIT)
        .limit(LIST_LIMIT + 1)
        .options(
            joinedload(Task.message).joinedload(Message.taken_by),
            joinedload(Task.message).joinedload(Message.mail),
            joinedload(Task.user),
            joinedload(Task.client),
        )
    ).all()
    return found[:LIST_LIMIT], len(found) > LIST_LIMIT


def shown(session: Session, task: Task, user: User, now: datetime) -> bool:
    """The colleague's page has it before him: delivered, once. False for anybody else's page."""
    if task.user_id != user.id:
        return False
    claimed = session.execute(
        update(Message)
        .where(Message.task_id == task.id, Message.delivered_at.is_(None))
        .values(delivered_at=now)
        .execution_options(synchronize_session=False)
    )
    if claimed.rowcount:  # type: ignore[attr-defined]
        feed.announce(session, concerned(session, task), "tasks", task.id, now)
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def read(session: Session, task: Task, user: User, now: datetime) -> bool:
    """The receipt: he has read it, which who took it and the heads see. Nothing more is owed when no time was promised.

    False when it had been given.
    """
    claimed = session.execute(
        update(Message)
        .where(Message.task_id == task.id, Message.read_at.is_(None))
        .values(read_at=now, delivered_at=func.coalesce(Message.delivered_at, now))
        .execution_options(synchronize_session=False)
    )
    if not claimed.rowcount:  # type: ignore[attr-defined]
        return False
    task.reminder_answered_at, task.remind_again_at = now, None
    if task.due_at <= task.created_at:
        task.done_at, task.done_by_id = now, user.id
    session.flush()
    feed.announce(session, [*concerned(session, task), *heads(session)], "tasks", task.id, now)
    return True


def mail(session: Session, task: Task, now: datetime) -> None:
    """To the colleague's address, when he has one, in his language; once, whoever asks again."""
    user, message = task.user, task.message
    if user is None or message is None or not user.email or message.mail_id is not None:
        return
    with force_locale(user.language or the_office(session).language):
        lines = [
            _("Called: %(who)s", who=message.who or _("not said")),
            *([_("Number: %(number)s", number=phone(task.number))] if task.number else []),
            *([_("Client: %(name)s", name=cards.title(task.client))] if task.client else []),
            *([_("Mood: %(mood)s", mood=MOODS[message.mood])] if message.mood in MOODS else []),
            *([_("Promised: %(when)s", when=moment(task.due_at))] if task.due_at > task.created_at else []),
            "",
            task.text,
            "",
            _("Taken by %(name)s, %(when)s.", name=message.taken_by.name, when=moment(task.created_at))
            if message.taken_by
            else "",
            _("Please press “Read” on your page, so that everybody knows it has reached you."),
        ]
        subject = _("Message for you: %(who)s", who=message.who or phone(task.number) or _("a caller"))
    sent = queue.put(session, f"message:{task.id}", user.email, subject, "\n".join(lines), now, user_id=user.id)
    message.mail_id = sent.id
    session.flush()


def caller_of(touch: Touch) -> str:
    """Who called, as far as the row knows."""
    names = [touch.person.full_name] if touch.person else []
    names += [cards.title(touch.client)] if touch.client else []
    return ", ".join(filter(None, names)) or (touch.call.caller_name if touch.call else "")

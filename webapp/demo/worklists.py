"""What the demo office's agent calls through: a short list from a directory, two of its numbers tried already."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients.contacts import office_country
from webapp.demo.phones import Numbers
from webapp.office.models import Channel
from webapp.touches.models import Touch
from webapp.worklists import calling, making
from webapp.worklists.models import WorklistItem
from webapp.worklists.results import record

NAME = {"ru": "Справочник: пищевые производства", "en": "Directory: food makers"}
FIRMS = {
    "ru": (
        ("Пекарня «Тёплый хлеб»", "Ирина Соколова", "коробки для пирогов"),
        ("Сыроварня «Луговая»", "Глеб Назаров", "короба с печатью"),
        ("Чайная мануфактура", "Ольга Мельник", ""),
        ("Мёд и травы", "", "почтовые коробки"),
        ("Кондитерская «Вафля»", "Вера Панина", "подарочные коробки"),
        ("Рыбный причал", "Тимур Яковлев", ""),
        ("Орехи Юга", "", "лотки"),
        ("Домашние соленья", "Нина Зотова", "короба под банки"),
    ),
    "en": (
        ("Warm Loaf Bakery", "Irene Walsh", "pie boxes"),
        ("Meadow Dairy", "Giles North", "printed boxes"),
        ("Old Tea Works", "Olive Miller", ""),
        ("Honey and Herbs", "", "mailing boxes"),
        ("Wafer House", "Vera Payne", "gift boxes"),
        ("Fish Quay", "Tim Jacobs", ""),
        ("Southern Nuts", "", "trays"),
        ("Home Pickles", "Nina Sutton", "boxes for jars"),
    ),
}
NOTES = {
    "ru": ("занято весь день", "просила набрать после обеда"),
    "en": ("engaged all day", "asked to ring after lunch"),
}


def make_worklist(
    session: Session, language: str, users: dict[str, User], numbers: Numbers, now: datetime, zone: ZoneInfo
) -> None:
    """The list, made yesterday by the head; meetings go by region, else evenly."""
    language = language if language in NAME else "en"
    country, then = "ru" if language == "ru" else "gb", now - timedelta(days=1)
    rows = [[numbers.new(country).e164, *words] for words in FIRMS[language]]
    channel = session.scalars(select(Channel).order_by(Channel.rank)).first()
    agent = users["denis"]
    worklist, _told, _job = making.make(
        session,
        NAME[language],
        rows,
        [agent],
        users["helen"],
        then,
        office_country(),
        channel_id=channel.id if channel else None,
    )
    tried = session.scalars(
        select(WorklistItem).where(WorklistItem.worklist_id == worklist.id).order_by(WorklistItem.id).limit(2)
    ).all()
    later = calling.proposal(session, then, zone)
    results = (("not_reached", later), ("call_later", now + timedelta(minutes=5)))
    for item, note, (result, at) in zip(tried, NOTES[language], results, strict=True):
        approach = record(session, item, result, 0, agent, then, note=note, next_at=at, next_kind="call_back")
        if approach and approach.touch_id:
            session.get_one(Touch, approach.touch_id).started_at = then - timedelta(minutes=2)
    session.flush()

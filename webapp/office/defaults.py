"""What a new office starts with: its settings, one line, and lists in every language of the interface."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp.clients.words import FREE_MAIL
from webapp.office.models import Channel, ClientStatus, FreeMail, Line, Office, Outcome, Purpose, TouchClass

CHANNELS = (
    ("Website", "Сайт"),
    ("Search advertising", "Реклама в поиске"),
    ("Recommendation", "Рекомендация"),
    ("Exhibition", "Выставка"),
    ("Outdoor advertising", "Наружная реклама"),
    ("Repeat client", "Постоянный клиент"),
)
PURPOSES = (
    ("price", "Price", "Узнать цену"),
    ("question", "Question", "Вопрос"),
    ("order", "Order", "Заказ"),
    ("offer", "Asks for an offer", "Просит предложение"),
    ("technical", "Technical question", "Технический вопрос"),
    ("complaint", "Complaint", "Жалоба"),
    ("colleague", "Asks for a colleague", "Ищет сотрудника"),
    ("other", "Something else", "Другое"),
)
OUTCOMES = (
    ("meeting", "Meeting set", "Назначена встреча", False, "meeting"),
    ("order", "Order taken", "Принят заказ", False, "sale"),
    ("offer", "Offer to be sent", "Отправить предложение", False, ""),
    ("call_back", "Call back agreed", "Договорились созвониться", False, ""),
    ("technologist", "Technologist will call", "Позвонит технолог", False, ""),
    ("message", "Message taken", "Принято сообщение", False, ""),
    ("answered", "Answered, matter closed", "Вопрос решён", True, ""),
    ("not_reached", "Not reached", "Не дозвонились", False, ""),
    ("refused", "Refused", "Отказ", True, ""),
    ("not_ours", "Not our client", "Не наш клиент", True, ""),
)
CLASSES = (
    ("General question", "Общий вопрос"),
    ("Interest in a product", "Интерес к товару"),
    ("Complaint about a product", "Жалоба на товар"),
    ("Complaint about the firm", "Жалоба на компанию"),
    ("Order", "Заказ"),
    ("Proposal", "Предложение"),
    ("Review", "Отзыв"),
    ("Thanks", "Благодарность"),
)
STATUSES = (
    ("Potential", "Потенциальный"),
    ("Casual", "Разовый"),
    ("Active", "Активный"),
    ("VIP", "VIP"),
)


def create(session: Session, company: str, language: str) -> Office:
    """Make the office row, the line `desk` and the lists. `language` is that of greetings and scripts."""
    office = Office(id=1, company=company, language=language)
    session.add(office)
    for model, names in ((Channel, CHANNELS), (TouchClass, CLASSES), (ClientStatus, STATUSES)):
        session.add_all(model(names={"en": en, "ru": ru}, rank=rank) for rank, (en, ru) in enumerate(names))
    session.add_all(
        Purpose(key=key, names={"en": en, "ru": ru}, rank=rank) for rank, (key, en, ru) in enumerate(PURPOSES)
    )
    session.add_all(
        Outcome(key=key, names={"en": en, "ru": ru}, rank=rank, closes=closes, counts_as=counts)
        for rank, (key, en, ru, closes, counts) in enumerate(OUTCOMES)
    )
    session.add_all(FreeMail(domain=domain) for domain in sorted(FREE_MAIL))
    session.flush()
    session.add(Line(name="desk", title={"ru": "Отдел продаж"}.get(language, "Sales desk")))
    session.flush()
    return office

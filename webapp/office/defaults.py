"""What a new office starts with: its settings, one line, and lists in every language of the interface."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp.clients.words import FREE_MAIL
from webapp.office.models import (
    Channel,
    ClientStatus,
    ClientType,
    FreeMail,
    Line,
    Office,
    Outcome,
    PaymentScheme,
    Purpose,
    TouchClass,
)
from webapp.rules.models import Category

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
    ("our_call", "Our own call", "Наш звонок"),
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
CLIENT_TYPES = (
    ("End customer", "Конечный заказчик", False),
    ("Builder", "Строительная компания", False),
    ("Dealer", "Дилер", False),
    ("Public body", "Бюджетная организация", False),
    ("Competitor", "Конкурент", True),
    ("Insolvent firm", "Банкрот", True),
)
PAYMENT_SCHEMES = (
    ("Paid in advance", "Предоплата", False),
    ("Half in advance", "Аванс 50 %", False),
    ("Paid on delivery", "Оплата по факту", False),
    ("Within 30 days", "Отсрочка до 30 дней", False),
    ("Later than 60 days", "Отсрочка больше 60 дней", True),
    ("Through a third party", "Оплата за третье лицо", True),
)
CATEGORIES = (
    (
        "A",
        "Large or strategic: buys much and regularly",
        "Крупный или стратегический: покупает много и регулярно",
        "Visit them. Call every two weeks. Send an offer the same day, and let the head see it first.",
        "Выезжать на встречу. Звонить раз в две недели. Предложение отправлять в тот же день, показав руководителю.",
    ),
    (
        "B",
        "Middling: buys now and then and may grow",
        "Средний: покупает время от времени и может вырасти",
        "Invite them to us. Call once a month. Send an offer within a day.",
        "Приглашать к нам. Звонить раз в месяц. Предложение отправлять в течение дня.",
    ),
    (
        "C",
        "Small or one-off",
        "Небольшой или разовый",
        "Invite them to exhibitions and offers for everybody. Call once a quarter. Send the price list.",
        "Приглашать на выставки и общие акции. Звонить раз в квартал. Отправлять прайс-лист.",
    ),
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
    for kind, items in ((ClientType, CLIENT_TYPES), (PaymentScheme, PAYMENT_SCHEMES)):
        session.add_all(
            kind(names={"en": en, "ru": ru}, rank=rank, forbidden=forbidden)
            for rank, (en, ru, forbidden) in enumerate(items)
        )
    session.add_all(
        Category(letter=letter, meanings={"en": en, "ru": ru}, actions={"en": do_en, "ru": do_ru})
        for letter, en, ru, do_en, do_ru in CATEGORIES
    )
    session.flush()
    session.add(Line(name="desk", title={"ru": "Отдел продаж"}.get(language, "Sales desk")))
    session.flush()
    return office

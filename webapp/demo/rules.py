"""The demo office's own rules: two fields the head has added, types of clients, and deals of which two are held."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.clients import match
from webapp.clients.models import Client
from webapp.deals.models import ENDED, Deal
from webapp.office.models import ClientType, PaymentScheme
from webapp.rules.models import ExtraField, ExtraValue

PRINTS = {
    "en": ("None", "One colour", "Full colour"),
    "ru": ("Без печати", "В один цвет", "Полноцветная"),
}


def make_rules(session: Session, language: str, clients: Sequence[Client], now: datetime, dice: random.Random) -> None:
    """Fields with values on part of the cards, a type on every firm, an amount and a way of paying on most deals."""
    prints = PRINTS.get(language, PRINTS["en"])
    prompts = {"en": "Do you need anything printed on it?", "ru": "Нужна ли печать?"}
    printing = ExtraField(
        key="print", names={"en": "Print", "ru": "Печать"}, prompts=prompts, kind="list", choices=list(prints)
    )
    until = ExtraField(
        key="contract_until",
        names={"en": "Contract until", "ru": "Договор до"},
        prompts={
            "en": "Until when does your contract with your present supplier run?",
            "ru": "До какого числа у вас договор с нынешним поставщиком?",
        },
        kind="date",
        rank=1,
    )
    session.add_all((printing, until))
    session.flush()
    types = list(session.scalars(select(ClientType).order_by(ClientType.rank)))
    for client in clients:
        known = []
        if dice.random() < 0.4:
            known.append(ExtraValue(field=printing, text=dice.choice(prints)))
        if client.kind == "organisation":
            client.type = dice.choice([one for one in types if not one.forbidden])
            if dice.random() < 0.25:
                day = now + timedelta(days=dice.randrange(10, 400))
                known.append(ExtraValue(field=until, text=day.date().isoformat()))
        if known:
            client.extra_values = known
            match.index(session, client)
    _deals(session, types, dice)
    session.flush()


def _deals(session: Session, types: Sequence[ClientType], dice: random.Random) -> None:
    schemes = list(session.scalars(select(PaymentScheme).order_by(PaymentScheme.rank)))
    deals = list(session.scalars(select(Deal).order_by(Deal.id)))
    for deal in deals:
        deal.kind = dice.choice(("deal", "deal", "order"))
        if dice.random() < 0.8:
            deal.amount = dice.randrange(20, 900) * 100_000
            deal.payment_scheme = dice.choice([one for one in schemes if not one.forbidden])
    waiting = [deal for deal in deals if deal.stage not in ENDED]
    firms = [deal for deal in waiting if deal.client.kind == "organisation"]
    if len(waiting) > 1 and firms:
        firms[0].client.type = next(one for one in types if one.forbidden)
        other = next(deal for deal in waiting if deal is not firms[0])
        other.payment_scheme = next(one for one in schemes if one.forbidden)

"""The words of a result letter: what is known stands there in its order, what is not leaves no hole."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from webapp.letters import composing
from webapp.letters.composing import Facts, Price
from webapp.touches.models import NEXT_KINDS

ZONE = ZoneInfo("Europe/Moscow")
TALKED = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
NEXT = datetime(2026, 3, 12, 7, 30, tzinfo=UTC)
FULL = Facts(
    talked_at=TALKED, name="Павел Ильич", firm="Рассвет", purpose="Узнать цену",
    needs={"reason": "Стаканы для мёда", "product": "Банки 0,5 л", "volume": "20 000 шт.", "needed_by": "к 1 мая"},
    agreed=[("offer", NEXT), ("promise", NEXT)], price=Price("Банки 0,5 л", "18 ₽", "24 ₽", "от 10 000 шт."),
    requisites="ООО «Северный ветер»\nИНН 7700000000", signature="Северный ветер\nwww.northwind.example",
    writer=["Анна Петрова", "менеджер"], telephone="+7 495 000-00-01",
)  # fmt: skip


def test_a_russian_letter_with_all_that_is_known() -> None:
    subject, body = composing.compose(FULL, "ru", ZONE)
    assert subject == "Рассвет: Банки 0,5 л, итоги разговора 10 марта"
    assert body.startswith("Павел Ильич, добрый день.\n\nБлагодарю за разговор 10 марта.")
    assert (
        "Что обсудили\nВаша задача: Стаканы для мёда\nТовар: Банки 0,5 л\nКоличество: 20 000 шт.\nСрок: к 1 мая\n"
        in body
    )
    assert (
        "О чём договорились\nНаше предложение будет у вас до 12 марта, 10:30.\nПерезвоним вам до 12 марта, 10:30.\n"
        in body
    )
    assert "Цены\nБанки 0,5 л: от 18 ₽ до 24 ₽ (от 10 000 шт.)\n" in body
    assert "Наши реквизиты\nООО «Северный ветер»\nИНН 7700000000\n\n" in body
    assert body.endswith(
        "С уважением,\nАнна Петрова\nменеджер\nСеверный ветер\nwww.northwind.example\nТел. +7 495 000-00-01\n"
    )
    # D73: task, prices, requisites.
    assert body.index("задача") < body.index("Цены") < body.index("реквизиты")


@pytest.mark.parametrize("language", ["ru", "en", "el"])
def test_what_is_not_known_leaves_no_hole(language: str) -> None:
    for facts in (Facts(TALKED), Facts(TALKED, writer=["Anna", ""], requisites=" \n", needs={"product": "  "})):
        subject, body = composing.compose(facts, language, ZONE)
        assert subject and "None" not in subject + body and not re.search(r"[{}]", subject + body)
        assert not re.search(r"\n\n\n|: *\n|!|\?!", body)
        for heading in ("discussed", "agreed", "prices", "requisites"):
            assert composing.words(language)[heading]["heading"] not in body


@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_next_step_has_its_sentence_and_every_word_is_good(language: str) -> None:
    said = composing.words(language)
    assert set(said["agreed"]) == {"heading", "promise", *NEXT_KINDS}
    assert set(said["discussed"]) == {"heading", "purpose", *composing.DISCUSSED}
    _, body = composing.compose(Facts(TALKED, agreed=[(kind, NEXT) for kind in NEXT_KINDS]), language, ZONE)
    assert "!" not in body and "—" not in body


def test_what_a_client_said_is_never_read_as_a_pattern() -> None:
    facts = Facts(TALKED, firm="{day}", needs={"product": "{firm} {when}!"}, price=Price("{low}", "{high}", "1"))
    subject, body = composing.compose(facts, "en", ZONE)
    assert subject == "{day}: {firm} {when}, what we agreed on 10 March"
    assert "{low}: from {high} to 1\n" in body


def test_a_long_matter_is_cut_at_a_word() -> None:
    subject, _ = composing.compose(Facts(TALKED, needs={"reason": "окна " * 60}), "ru", ZONE)
    assert len(subject) < 130 and subject.startswith("Окна окна") and "окна: итоги" in subject

"""Who may be calling: sure when the number leaves no doubt, offered when it doesn't, never guessed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sqlalchemy import delete, select
from sqlalchemy.event import listen, remove
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from webapp.accounts.models import User
from webapp.clients import match
from webapp.clients.match import Candidate, by_number, certain, find
from webapp.clients.models import MatchKey, NotSame
from webapp.office.models import FreeMail


def test_the_same_number_opens_its_card(session: Session, make_card: Maker) -> None:
    card = make_card("Rassvet", ("8 (495) 123-45-67",))
    make_card("Zakat", ("+7 495 765-43-21",))
    found = by_number(session, "+74951234567", "RU")
    assert found == [Candidate(card.id, "phone", True)]
    assert certain(found) == card.id


def test_a_number_without_city_code_matches_either_way_round(session: Session, make_card: Maker) -> None:
    short = make_card("Short", ("123-45-67",))
    full = make_card("Full", ("+7 495 765-43-21",))
    assert by_number(session, "+74951234567", "RU") == [Candidate(short.id, "phone_tail", True)]
    assert by_number(session, "7654321", "RU") == [Candidate(full.id, "phone_tail", True)]
    assert by_number(session, "1234567", "RU") == [Candidate(short.id, "phone", True)]


def test_two_full_numbers_that_end_alike_are_offered_but_not_sure(session: Session, make_card: Maker) -> None:
    other_city = make_card("Other city", ("+7 812 123-45-67",))
    found = by_number(session, "+74951234567", "RU")
    assert found == [Candidate(other_city.id, "phone_tail", False)]
    assert certain(found) is None


def test_a_number_of_fewer_digits_is_offered_but_not_sure(session: Session, make_card: Maker) -> None:
    town = make_card("A small town", ("38-12-34",))
    assert by_number(session, "+74812381234", "RU") == [Candidate(town.id, "phone_tail", False)]
    assert by_number(session, "381234", "RU") == [Candidate(town.id, "phone", True)]


def test_a_shared_number_opens_nothing_by_itself(session: Session, make_card: Maker) -> None:
    first, second = make_card("First", ("+74951234567",)), make_card("Second", ("+74951234567",))
    far = make_card("Far", ("+78121234567",))
    found = by_number(session, "+74951234567", "RU")
    assert [(one.client_id, one.sure) for one in found] == [(first.id, True), (second.id, True), (far.id, False)]
    assert certain(found) is None


def test_a_client_with_several_such_numbers_is_offered_once_at_its_best(session: Session, make_card: Maker) -> None:
    card = make_card("Twice", ("+78121234567", "+74951234567", "123-45-67"))
    assert by_number(session, "+74951234567", "RU") == [Candidate(card.id, "phone", True)]


def test_a_hidden_number_matches_nothing(session: Session, make_card: Maker) -> None:
    make_card("Anybody", ("anonymous", "+74951234567"))
    assert by_number(session, "", "RU") == []


def test_what_a_manager_told_apart_is_never_sure_again(session: Session, make_card: Maker) -> None:
    wrong, right = make_card("Wrong", ("+74951234567",)), make_card("Right", ("123-45-67",))
    session.add(NotSame(number="+74951234567", client_id=wrong.id))
    session.commit()
    found = by_number(session, "+74951234567", "RU")
    assert found == [Candidate(right.id, "phone_tail", True), Candidate(wrong.id, "phone", False)]
    assert certain(found) == right.id


def test_offers_are_bounded_and_the_sure_one_is_among_them(session: Session, make_card: Maker) -> None:
    for city in range(60):
        make_card(f"City {city}", (f"+79{city:02}1234567",))
    exact = make_card("Exact", ("+74951234567",))
    found = by_number(session, "+74951234567", "RU")
    assert len(found) == 9
    assert found[0] == Candidate(exact.id, "phone", True)


def test_the_look_up_is_one_query_through_the_index(
    session: Session, make_card: Maker, count_queries: Callable[[], int]
) -> None:
    make_card("Rassvet", ("+74951234567",))
    session.connection()
    if session.get_bind().dialect.name != "sqlite":
        before = count_queries()
        by_number(session, "+74951234567", "RU")
        assert count_queries() - before == 1
        return
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    seen: list[str] = []
    driver.set_trace_callback(seen.append)
    by_number(session, "+74951234567", "RU")
    driver.set_trace_callback(None)
    assert len(seen) == 1
    plan = str(driver.execute("explain query plan " + seen[0]).fetchall())
    assert "SEARCH m USING COVERING INDEX ix_match_key_lookup (kind=? AND key=?)" in plan
    assert "SEARCH n USING COVERING INDEX" in plan and "SCAN m" not in plan and "SCAN n" not in plan


def test_keys_follow_the_card(session: Session, make_card: Maker) -> None:
    card = make_card("Rassvet", ("+74951234567",), email="a@rassvet.ru", surname="Orlov", website="rassvet.ru")
    six = {"company", "surname", "phone", "email", "domain", "site"}
    of_the_search_box = {"word", "number", "ending"}
    kinds = set(session.scalars(select(MatchKey.kind).where(MatchKey.client_id == card.id)))
    assert kinds == six | of_the_search_box
    card.name = "Zakat"
    card.contact_points.clear()
    match.index(session, card)
    assert by_number(session, "+74951234567", "RU") == []
    assert [hit.client_id for hit in find(session, {"name": "ООО Закат"}, "RU")] == [card.id]
    assert find(session, {"name": "Rassvet"}, "RU") == []


def test_all_six_keys_find_a_card_while_it_is_typed(session: Session, make_card: Maker) -> None:
    card = make_card(
        "ООО Рассвет",
        ("+74951234567",),
        email="pavel@rassvet-okna.ru",
        surname="Орлов",
        given_name="Павел",
        website="https://rassvet.com",
    )
    for draft, key, field in (
        ({"name": "Rassvet LLC"}, "company", "name"),
        ({"surname": "Orlova"}, "surname", "surname"),
        ({"surname": "Orlov", "given_name": "Pavel"}, "person", "surname"),
        ({"phone": "8 495 123-45-67"}, "phone", "phone"),
        ({"mobile": "123-45-67"}, "phone_local", "mobile"),
        ({"email": "PAVEL@rassvet-okna.ru"}, "email", "email"),
        ({"email": "info@rassvet-okna.ru"}, "domain", "email"),
        ({"email": "info@rassvet.com"}, "domain", "email"),
        ({"website": "www.rassvet.com/contacts"}, "site", "website"),
        ({"website": "rassvet-okna.ru"}, "domain", "website"),
    ):
        hits = find(session, draft, "RU")
        assert [(hit.client_id, hit.reasons[0], hit.field) for hit in hits] == [(card.id, key, field)], draft


def asked_by(session: Session, call: Callable[[], object]) -> int:
    """How many statements `call` sends, those past SQLAlchemy among them."""
    seen: list[str] = []
    driver = session.connection().connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.set_trace_callback(seen.append)
        call()
        driver.set_trace_callback(None)
    else:
        engine = session.get_bind()
        listen(engine, "before_cursor_execute", note := lambda *about: seen.append(about[2]))
        call()
        remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_a_draft_is_few_queries_and_a_full_name_ranks_higher(
    session: Session, make_card: Maker, office: dict[str, User]
) -> None:
    for number in range(15):
        make_card(f"Firm {number}", surname="Иванов", given_name="Иван")
    anna = make_card("The last", surname="Иванова", given_name="Анна")
    typed = {"surname": "Иванова", "given_name": "Anna", "email": "x@gmail.com"}
    hits = find(session, typed, "RU")
    assert hits[0].client_id == anna.id and hits[0].reasons == ("person",)
    assert len(hits) == 9
    assert asked_by(session, lambda: find(session, typed, "RU")) == 2  # the keys; all keys of those found
    assert asked_by(session, lambda: find(session, {"email": "x@gmail.com"}, "RU")) == 1
    assert asked_by(session, lambda: find(session, {"name": "Firn 3", "surname": "Petrof"}, "RU")) == 5


def test_an_empty_draft_asks_nothing(session: Session) -> None:
    assert asked_by(session, lambda: find(session, {"name": " ", "phone": "anonymous"}, "RU")) == 0


def test_one_letter_may_differ(session: Session, make_card: Maker) -> None:
    firm = make_card("ООО Северный ветер 12", surname="Ковальчук", given_name="Тарас")
    for name in ("Сверный ветер 12", "Северныйт ветер 12", "Севреный ветер 12", "Ветер севермый 12, ООО"):
        hits = find(session, {"name": name}, "RU")
        assert [(hit.client_id, hit.reasons, hit.certainty) for hit in hits] == [
            (firm.id, ("company_near",), "likely")
        ], name
    assert find(session, {"name": "Северный ветер 13"}, "RU") == []
    assert [hit.reasons for hit in find(session, {"surname": "Ковльчук"}, "RU")] == [("surname_near",)]
    both = find(session, {"surname": "Ковльчук", "given_name": "Taras"}, "RU")
    assert [hit.reasons for hit in both] == [("person_near",)]


def test_the_same_is_said_only_without_doubt(session: Session, make_card: Maker) -> None:
    firm = make_card("ООО Рассвет", ("+7 495 123-45-67",), surname="Орлов", email="pavel@rassvet.ru")
    for draft, certainty in (
        ({"phone": "8 495 123 45 67"}, "same"),
        ({"phone": "8 495 123 45 67", "name": "Рассвет Плюс"}, "same"),
        ({"phone": "8 495 123 45 67", "name": "Закат"}, "likely"),
        ({"email": "PAVEL@rassvet.ru."}, "same"),
        ({"name": "Rassvet"}, "likely"),
        ({"name": "Rassvet", "surname": "Орлова"}, "same"),
        ({"name": "Rassvet", "surname": "Зимин"}, "likely"),
        ({"name": "Rassvet", "website": "www.rassvet.ru"}, "same"),
        ({"phone": "123-45-67"}, "likely"),
        ({"phone": "123-45-67", "name": "Рассвет"}, "same"),
        ({"phone": "+7 812 123-45-67"}, "maybe"),
        ({"surname": "Орлов"}, "maybe"),
        ({"phone": "8 812 999-00-11 доб. 12; 8 (495) 123-45-67"}, "same"),
        ({"email": "x@y.ru, pavel@rassvet.ru"}, "same"),
    ):
        hits = find(session, draft, "RU")
        assert [(hit.client_id, hit.certainty) for hit in hits] == [(firm.id, certainty)], draft
    assert find(session, {"name": "Rassvet"}, "RU", exclude={firm.id}) == []
    named = make_card("ООО Закат", surname="Зимин", given_name="Пётр")
    for given_name, certainty in (("Петр", "same"), ("", "same"), ("Anna", "likely")):
        hits = find(session, {"name": "Закат", "surname": "Зимин", "given_name": given_name}, "RU")
        assert [(hit.client_id, hit.certainty) for hit in hits] == [(named.id, certainty)], given_name


def test_a_public_mail_service_tells_nothing(session: Session, make_card: Maker, office: dict[str, User]) -> None:
    firm = make_card("Рассвет", email="a@yandex.kz", website="mail.ru")
    assert find(session, {"email": "b@yandex.kz"}, "RU") == []
    assert find(session, {"email": "b@mail.ru"}, "RU") == []
    session.execute(delete(FreeMail))
    assert [hit.client_id for hit in find(session, {"email": "b@yandex.kz"}, "RU")] == [firm.id]


def test_a_forgotten_card_is_found_by_nothing(session: Session, make_card: Maker) -> None:
    firm = make_card("Рассвет", ("+7 495 123-45-67",))
    match.forget(session, firm.id)
    assert find(session, {"name": "Рассвет", "phone": "+7 495 123-45-67"}, "RU") == []
    assert by_number(session, "+74951234567", "RU") == []

"""A card as vCards: read again they say what the card says, whatever was typed into it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import vobject
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from webapp.clients import contacts, vcard
from webapp.clients.models import Client, ContactPoint, Person

SignIn = Callable[[str], FlaskClient]
HOSTILE = "Ро;г,а\\n\nEND:VCARD\r\nBEGIN:VCARD\nTEL:+7 000"


@pytest.fixture
def rassvet(make_card: Maker, session: Session) -> Client:
    card = make_card("ООО «Рассвет»", email="info@rassvet.example", website="rassvet.example", note="Окна;\nи двери")
    pavel = Person(surname="Орлов", given_name="Павел", patronymic="Ильич", position="закупщик")
    olga = Person(surname="Серова", given_name="Ольга")
    card.people += [pavel, olga]
    session.flush()
    contacts.add(session, card, "mobile", "8 916 555-00-11", "RU", pavel).preferred = True
    contacts.add(session, card, "fax", "+7 495 555-00-12", "RU", olga)
    contacts.add(session, card, "messenger", "@olga", "RU", olga)
    session.commit()
    return card


def test_a_file_for_an_address_book(sign_in: SignIn, rassvet: Client) -> None:
    answer = sign_in("anna").get(f"/clients/{rassvet.id}.vcf")
    assert answer.mimetype == "text/vcard"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="client-{rassvet.id}-ooo-rassvet.vcf"'
    pavel, olga = vobject.readComponents(answer.get_data(as_text=True))
    assert pavel.version.value == "3.0"
    assert pavel.fn.value == "Орлов Павел Ильич"
    assert (pavel.n.value.family, pavel.n.value.given, pavel.n.value.additional) == ("Орлов", "Павел", "Ильич")
    assert pavel.org.value == ["ООО «Рассвет»"] and pavel.title.value == "закупщик"
    assert (pavel.tel.value, pavel.tel.params["TYPE"]) == ("+79165550011", ["CELL", "VOICE", "PREF"])
    assert pavel.email.value == olga.email.value == "info@rassvet.example"
    assert pavel.url.value == "rassvet.example" and pavel.note.value == "Окна;\nи двери"
    assert (olga.tel.value, olga.tel.params["TYPE"]) == ("+74955550012", ["WORK", "FAX"])
    assert [line.value for line in olga.contents["x-messenger"]] == ["@olga"]
    assert pavel.uid.value != olga.uid.value


def test_a_private_person_and_a_card_without_people(make_card: Maker) -> None:
    private = make_card("Иванова Мария", kind="private")
    [card] = vobject.readComponents(vcard.of(private))
    assert card.fn.value == "Иванова Мария" and not hasattr(card, "org")
    [nobody] = vobject.readComponents(vcard.of(make_card("")))
    assert nobody.fn.value


def test_a_vcard_is_for_those_who_sell(sign_in: SignIn, rassvet: Client) -> None:
    assert sign_in("admin").get(f"/clients/{rassvet.id}.vcf").status_code == 403
    assert sign_in("anna").get("/clients/999.vcf").status_code == 404


@given(*[st.text(max_size=120) | st.just(HOSTILE)] * 4)
def test_nothing_typed_breaks_out_of_its_line(name: str, surname: str, phone: str, note: str) -> None:
    person = Person(id=1, surname=surname, given_name="", patronymic="", position=name)
    point = ContactPoint(id=1, kind="phone", value=phone, normal="", person_id=1, preferred=False)
    client = Client(id=1, kind="organisation", name=name, note=note, website="", created_at=datetime.now(UTC))
    client.people.append(person)
    client.contact_points.append(point)
    text = vcard.of(client)
    text.encode()
    [card] = vobject.readComponents(text)
    assert card.n.value.family == vcard._line(surname)
    assert card.tel.value == vcard._line(phone)
    assert getattr(card, "note", None) is None or card.note.value == vcard._clean(note)
    assert len(card.contents["tel"]) == 1

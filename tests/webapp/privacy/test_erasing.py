"""Erasing somebody: nothing of them is left anywhere, not even as bytes; the rest stays; the record names nobody."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.privacy.conftest import MAIL, NUMBER, WORDS, Everywhere
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import match
from webapp.clients.models import CardChange, Client, ContactPoint, Person
from webapp.db import db
from webapp.imports.models import Import, ImportRow
from webapp.letters.models import Letter
from webapp.mail.models import OutgoingMail
from webapp.privacy import erasing, files, finding, identifiers, scope
from webapp.privacy.models import Erasure
from webapp.recordings.models import Recording
from webapp.tasks.models import Task
from webapp.touches.models import Touch
from webapp.worklists.models import WorklistItem


def bytes_left(app: Flask) -> list[tuple[str, str]]:
    """Every file in the data folder that holds one of WORDS, with the word; JSON escapes count as well."""
    found, paths = [], sorted(app.config["SETTINGS"].data.rglob("*"))
    if db.engine.dialect.name == "sqlite":
        base = Path(db.engine.url.database or "")
        paths = [*{*paths, *base.parent.glob(f"{base.name}*")}]
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        for word in WORDS:
            forms = {word.encode(), word.encode("unicode_escape"), word.casefold().encode(), word.encode("cp1251")}
            found += [(path.name, word)] if any(form in content for form in forms) else []
    return found


def test_before_it_they_are_everywhere(app: Flask, everywhere: Everywhere, session: Session) -> None:
    """Else the test below would prove nothing."""
    names = {name for name, _ in bytes_left(app)}
    assert names >= {"sip-1.json", "1.csv", "offered.jsonl"}
    if db.engine.dialect.name == "sqlite":
        assert any("sqlite" in name for name in names)
    places = set(finding.find(session, NUMBER, "RU").places)
    assert places >= {"contact_point", "call", "touch", "task", "worklist_item", "bridge_command", "client", "not_same"}


def test_a_card_goes_without_a_trace(
    app: Flask, everywhere: Everywhere, office: dict[str, User], session: Session, clock: Clock
) -> None:
    subject, neighbour_id = scope.of_card(session, everywhere.client), everywhere.neighbour.id
    texts, calls = set(subject.texts), session.scalar(select(func.count(Call.id)))
    record = erasing.erase(session, subject, "asked by letter of 3 March", office["head"], clock(), everywhere.data)
    session.commit()
    counts, head, anna = dict(record.counts), office["head"].id, office["anna"].id
    files.compact(session, whole=True)
    assert bytes_left(app) == []
    session = db.session()
    assert identifiers.found(session, texts) == {}
    assert [one.name for one in session.scalars(select(Client))] == ["Granit"]
    # What counts still counts.
    assert session.scalar(select(func.count(Call.id))) == calls
    call = session.scalars(select(Call).where(Call.call_id == "sip-1")).one()
    assert (call.number, call.caller_name, call.client_id, call.missed_closed_at) == ("", "", None, clock())
    touch = session.scalars(select(Touch).where(Touch.call_id == call.id)).one()
    assert (touch.note, touch.draft, touch.client_id, touch.user_id) == ("", {}, None, anna)
    recording = session.scalars(select(Recording)).one()
    assert (recording.path, recording.deleted_why, recording.seconds) == ("", "erased", 3)
    # Others lose nothing but the words that named them.
    neighbour = session.get_one(Client, neighbour_id)
    assert neighbour.note.startswith("Their director is …, ring ") and "9990011" not in neighbour.note
    assert match.certain(match.by_number(session, "+78127654321", "RU")) == neighbour_id
    assert [task.text for task in session.scalars(select(Task))] == ["who is …? …!"]
    rows = {row.number: row for row in session.scalars(select(ImportRow))}
    assert (rows[1].cells, rows[1].digest, rows[2].cells, rows[2].reason) == (None, "", None, "")
    assert rows[3].cells == ["Kozlov"] and session.scalars(select(Import)).one().file == ""
    item = session.scalars(select(WorklistItem)).one()
    assert (item.company, item.person, item.about, item.state) == ("", "", "", "open")
    left = {str(path.relative_to(everywhere.data)) for path in everywhere.data.rglob("*.*")}
    assert {"recordings/other.webm", "ladders/2026-03-10/sip-9.json", "imports/2.csv"} <= left
    assert not {"recordings/sip-1.webm", "ladders/2026-03-10/sip-1.json", "imports/1.csv"} & left
    assert b"+78127654321" in (everywhere.data / "bridge/offered.jsonl").read_bytes()
    assert counts["call"] == 2 and counts["recordings"] == 1 and counts["ladders"] == 1 and counts["lists"] == 1
    kept = session.scalars(select(Erasure)).one()
    assert (kept.why, kept.by_id, kept.at) == ("asked by letter of 3 March", head, clock())


def test_letters_go_and_mails_stay_as_numbers(
    everywhere: Everywhere, office: dict[str, User], session: Session, clock: Clock
) -> None:
    subject = scope.of_card(session, everywhere.client)
    assert (subject.counts()["letter"], subject.counts()["outgoing_mail"]) == (1, 1)
    erasing.erase(session, subject, "asked for", office["head"], clock(), everywhere.data)
    session.commit()
    session.expire_all()
    assert session.scalars(select(Letter)).all() == []
    theirs, digest = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id))
    assert (theirs.to_address, theirs.subject, theirs.body) == ("", "", "")
    assert (theirs.state, theirs.erased_at, theirs.tries) == ("withdrawn", clock(), 0)  # it had not gone yet
    assert digest.body == "Ring …, …" and digest.to_address == "boris@northwind.example" and digest.erased_at == clock()


@pytest.mark.parametrize("words", [MAIL, NUMBER])
def test_letters_of_one_address_and_of_one_number(words: str, everywhere: Everywhere, session: Session) -> None:
    subject = scope.of_number(session, words, "RU")
    assert subject and len(subject.letter_ids) == len(subject.mail_ids) == 1


def test_one_person_goes_and_the_firm_stays(
    everywhere: Everywhere, office: dict[str, User], session: Session, clock: Clock
) -> None:
    client = everywhere.client
    client.people.append(Person(surname="Белова", given_name="Ирина"))
    session.flush()
    session.add(ContactPoint(client_id=client.id, kind="phone", value="+7 495 111-22-33", normal="+74951112233"))
    match.index(session, client)
    session.commit()
    subject = scope.of_person(session, client.people[0])
    erasing.erase(session, subject, "asked for", office["head"], clock(), everywhere.data)
    session.commit()
    session.expire_all()
    assert [person.surname for person in client.people] == ["Белова"]
    assert [point.normal for point in client.contact_points] == ["+74951112233"]
    assert client.name == "ООО Вятичи вятичи"
    assert match.certain(match.by_number(session, "+74951112233", "RU")) == client.id
    assert match.by_number(session, NUMBER, "RU") == []
    assert everywhere.call.client_id == client.id and everywhere.call.number == ""
    assert all("999" not in line.old + line.new for line in session.scalars(select(CardChange)))
    assert identifiers.found(session, subject.texts) == {}


def test_a_number_goes_and_the_cards_stay(
    everywhere: Everywhere, office: dict[str, User], session: Session, clock: Clock
) -> None:
    subject = scope.of_number(session, "8 (495) 999-00-11", "RU")
    assert subject
    erasing.erase(session, subject, "asked for", None, clock(), everywhere.data)
    session.commit()
    session.expire_all()
    assert {point.kind for point in everywhere.client.contact_points} == {"email"}
    assert identifiers.found(session, subject.texts) == {}
    assert scope.of_number(session, "Orlov", "RU") is None


def test_a_number_that_somebody_else_has_too_is_his(
    everywhere: Everywhere, office: dict[str, User], session: Session, clock: Clock
) -> None:
    point = ContactPoint(client_id=everywhere.neighbour.id, kind="phone", value="999-00-11", normal=NUMBER)
    session.add(point)
    theirs = Call(call_id="sip-3", number=NUMBER, offered_at=clock(), state="ended", client_id=everywhere.neighbour.id)
    session.add(theirs)
    session.commit()
    subject = scope.of_card(session, everywhere.client)
    assert theirs.id not in subject.call_ids and NUMBER not in subject.texts
    erasing.erase(session, subject, "asked for", None, clock(), everywhere.data)
    session.commit()
    session.expire_all()
    assert theirs.number == NUMBER and point.normal == NUMBER


@pytest.mark.parametrize("why", ["", "  ", "x" * 401, f"wrote from {MAIL}"])
def test_a_reason_that_names_nobody_is_needed(everywhere: Everywhere, session: Session, clock: Clock, why: str) -> None:
    with pytest.raises(erasing.Refused):
        erasing.erase(session, scope.of_card(session, everywhere.client), why, None, clock(), everywhere.data)
    assert session.get(Client, everywhere.client.id) is not None


def test_a_legal_hold_and_a_call_that_goes_on_forbid_it(everywhere: Everywhere, session: Session, clock: Clock) -> None:
    recording = session.scalars(select(Recording)).one()
    recording.held_at, recording.held_why = clock(), "a court asked"
    session.commit()
    subject = scope.of_card(session, everywhere.client)
    with pytest.raises(erasing.Refused) as refused:
        erasing.erase(session, subject, "asked for", None, clock(), everywhere.data)
    assert refused.value.calls == [everywhere.call]
    recording.held_at, everywhere.call.state = None, "talking"
    session.commit()
    with pytest.raises(erasing.Refused):
        erasing.erase(session, subject, "asked for", None, clock(), everywhere.data)
    assert (everywhere.data / "recordings/sip-1.webm").exists()


def test_when_a_file_can_not_go_nothing_goes(
    everywhere: Everywhere, session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.unlink

    def stubborn(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".webm":
            raise PermissionError("the disk says no")
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", stubborn)
    subject = scope.of_card(session, everywhere.client)
    with pytest.raises(OSError, match="the disk says no"):
        erasing.erase(session, subject, "asked for", None, clock(), everywhere.data)
    session.rollback()
    assert session.get_one(Client, everywhere.client.id).people[0].surname == "Златоуст"
    assert session.scalars(select(Erasure)).all() == []


def test_a_part_that_can_not_be_unpacked_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "imports").mkdir()
    path = tmp_path / "imports/1"
    with zipfile.ZipFile(path, "w") as pack:
        for name in ("odd", "torn"):
            pack.writestr(name, b"x" * 40)
        pack.writestr("xl/sharedStrings.xml", "<t>Zlatoust</t>", zipfile.ZIP_DEFLATED)
    body = bytearray(path.read_bytes())
    body[body.find(b"PK\x01\x02") + 10] = 99  # packed in a way nobody knows
    body[body.find(b"torn") + 4] = ord("y")  # its checksum is another one
    path.write_bytes(body)
    assert files.lists_holding(tmp_path, {"Zlatoust"}) == ["1"]
    assert files.lists_holding(tmp_path, {"Granit"}) == []

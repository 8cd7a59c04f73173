"""Somebody of whom there is something in every corner."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker, make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import BridgeCommand, Call, CallTrace, RefusedDial, Transfer
from webapp.clients import people
from webapp.clients.changes import Author
from webapp.clients.models import Client, NotSame
from webapp.deals import stages
from webapp.doubles.models import Merge
from webapp.imports.models import Import, ImportRow
from webapp.letters import deciding as mails
from webapp.letters.models import Letter
from webapp.mail import queue
from webapp.recordings.models import Recording
from webapp.scripts.models import ScriptRun
from webapp.tasks.models import Task
from webapp.touches.models import Touch
from webapp.worklists.models import Approach, Worklist, WorklistItem

__all__ = ["make_card"]
NUMBER, OLD_NUMBER, MAIL = "+74959990011", "+74959990077", "zlatoust@vyatichi.example"
WORDS = ("Златоуст", "Zlatoust", "zlatoust", "Добрыня", "9990011", "999-00-11", "9990077", "999-00-77", "вятичи")
"""What may stand nowhere afterwards, not a byte of it."""


@dataclass
class Everywhere:
    """The card, a neighbour that stays, and where the files lie."""

    client: Client
    neighbour: Client
    call: Call
    data: Path


@pytest.fixture
def everywhere(app: Flask, make_card: Maker, office: dict[str, User], session: Session, clock: Clock) -> Everywhere:
    anna, now, data = office["anna"], clock(), app.config["SETTINGS"].data
    client = make_card(
        "ООО Вятичи вятичи", ("+7 495 999-00-11",), email=MAIL, surname="Златоуст", given_name="Добрыня", note="вятичи"
    )
    neighbour = make_card("Granit", ("+7 812 765-43-21",), surname="Kozlov", given_name="Ivan")
    neighbour.note = "Their director is Златоуст Добрыня, ring 8 (495) 999-00-11 or +74959990011, mail " + MAIL
    author = Author(anna, now)
    point = people.add_contact_point(session, client, "phone", "+7 495 999-00-77", "RU", author, client.people[0])
    people.change_contact_point(session, point, "", "RU", author)
    stages.open_deal(session, client, "Windows for Златоуст", author)
    call = Call(
        call_id="sip-1", number=NUMBER, caller_number=NUMBER, caller_name="Zlatoust D", offered_at=now, state="ended",
        ended_at=now, client_id=client.id, why_client={"reason": "phone", "name": "Златоуст"},
    )  # fmt: skip
    unknown = Call(call_id="sip-2", number=OLD_NUMBER, caller_number=OLD_NUMBER, offered_at=now, state="ended")
    session.add_all([call, unknown])
    session.flush()
    touch = Touch(
        started_at=now, call_id=call.id, client_id=client.id, person_id=client.people[0].id, user_id=anna.id,
        note="Златоуст wants windows", draft={"surname": "Златоуст"},
    )  # fmt: skip
    other = Touch(started_at=now, client_id=neighbour.id, user_id=anna.id, note=f"met Добрыня Златоуст, {NUMBER}")
    draft = Touch(started_at=now, call_id=unknown.id, user_id=anna.id, draft={"surname": "Златоуст"})
    session.add_all([touch, other, draft])
    session.flush()
    letter = Letter(
        touch_id=touch.id, client_id=client.id, user_id=anna.id, to_address=MAIL, subject="Златоуст", body="вятичи",
        made_at=now,
    )  # fmt: skip
    session.add(letter)
    session.flush()
    mails.send(session, letter, anna, now)
    queue.put(session, "digest:1", "boris@northwind.example", "Today", f"Ring Златоуст Добрыня, {NUMBER}", now)
    worklist = Worklist(name="Fair", made_at=now)
    upload = Import(name="fair.csv", file="1.csv", made_at=now)
    session.add_all([worklist, upload])
    session.flush()
    item = WorklistItem(
        worklist_id=worklist.id, number=NUMBER, company="вятичи", person="Златоуст", about="вятичи", client_id=client.id
    )
    session.add(item)
    session.flush()
    session.add_all(
        [
            Recording(call_id=call.id, path="sip-1.webm", seconds=3, ready_at=now),
            CallTrace(call_id=call.id, at=now, kind="chosen", facts={"name": "Anna", "client": "вятичи"}),
            BridgeCommand(call_id="sip-1", kind="place", data={"number": NUMBER}, made_at=now),
            Transfer(call_id=call.id, briefing="Златоуст, +7 495 999-00-11", started_at=now),
            RefusedDial(user_id=anna.id, number=NUMBER, at=now),
            NotSame(number=NUMBER, client_id=neighbour.id),
            Task(kind="promise", client_id=client.id, text="ring Златоуст", due_at=now, created_at=now),
            Task(kind="inbox", text=f"who is {NUMBER}? Добрыня Златоуст!", due_at=now, created_at=now),
            ScriptRun(
                touch_id=touch.id, script="inbound", language="en", started_at=now,
                state={"given": [{"step": "name", "n": 1, "text": "Златоуст"}]},
            ),
            Approach(item_id=item.id, user_id=anna.id, at=now, result="refused", note="Златоуст is away"),
            ImportRow(
                import_id=upload.id, number=1, state="doubtful", client_id=client.id, cells=["Златоуст"], digest="d1"
            ),
            ImportRow(import_id=upload.id, number=2, state="refused", cells=["a", MAIL], reason=f"{MAIL} is twice"),
            ImportRow(import_id=upload.id, number=3, state="doubtful", cells=["Kozlov"], digest="d3"),
            Merge(
                survivor_id=neighbour.id, other_id=neighbour.id, at=now, why=NUMBER,
                fields={"note": ["", f"see {MAIL}"]},
            ),
        ]
    )  # fmt: skip
    session.commit()
    files = {
        "recordings/sip-1.webm": b"voice",
        "recordings/other.webm": b"another voice",
        "ladders/2026-03-10/sip-1.json": json.dumps([{"text": f"From: {NUMBER}"}]).encode(),
        "ladders/2026-03-10/sip-9.json": b"[]",
        "imports/1.csv": f"name;mail\nZlatoust;{MAIL}\n".encode("cp1251"),
        "imports/2.csv": b"name;mail\nKozlov;k@granit.example\n",
        "bridge/offered.jsonl": f'{{"caller_number": "{NUMBER}"}}\n{{"caller_number": "+78127654321"}}\n'.encode(),
    }
    for name, content in files.items():
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Everywhere(client, neighbour, call, data)

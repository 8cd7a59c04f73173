"""The head's page of privacy, and the command: finding, the archive, the erasure with its preview."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.privacy.conftest import MAIL, Everywhere
from webapp.clients.models import Client
from webapp.privacy import command
from webapp.privacy.models import Erasure
from webapp.recordings.models import Recording
from webapp.tasks.models import Message, Task

SignIn = Callable[[str], FlaskClient]
BASE = "/settings/privacy"
POSTS = ("find", "export", "preview", "erase")


def test_it_is_the_heads(sign_in: SignIn, everywhere: Everywhere) -> None:
    for login in ("anna", "secretary", "admin"):
        g.pop("_login_user", None)
        browser = sign_in(login)
        assert browser.get(BASE).status_code == 403
        assert all(browser.post(f"{BASE}/{one}").status_code == 403 for one in POSTS)


@pytest.mark.parametrize(
    "typed", ["8 (495) 999-00-11", "9990011", MAIL, "Златоуст", "Zlatoust", "вятичи", "+7 495 999-00-77", "Добрыня"]
)
def test_find(sign_in: SignIn, everywhere: Everywhere, typed: str, count_queries: Callable[[], int]) -> None:
    browser = sign_in("head")
    before = count_queries()
    page = browser.post(f"{BASE}/find", data={"text": typed}).get_data(as_text=True)
    assert f'href="/clients/{everywhere.client.id}"' in page and "Златоуст Добрыня" in page
    assert count_queries() - before <= 75  # one a table: every column of words is looked through


def test_nobody_is_found(sign_in: SignIn, everywhere: Everywhere) -> None:
    browser = sign_in("head")
    for typed in ("", "xx", "Nobodyatall", "%", "'; --", "x" * 5000, "\0\0\0"):
        answer = browser.post(f"{BASE}/find", data={"text": typed})
        assert answer.status_code == 200 and "Nobody is found" in answer.get_data(as_text=True)


def test_the_archive_holds_everything(sign_in: SignIn, everywhere: Everywhere, session: Session) -> None:
    answer = sign_in("head").post(f"{BASE}/export", data={"kind": "card", "id": everywhere.client.id})
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    content = io.BytesIO(answer.data)
    answer.close()
    with zipfile.ZipFile(content) as pack:
        facts = json.loads(pack.read("data.json"))
        page = pack.read("index.html").decode()
        sound = facts["recordings"][str(session.scalars(select(Recording.id)).one())]
        assert pack.read(sound) == b"voice"
    tables = facts["tables"]
    assert {"client", "person", "contact_point", "call", "touch", "task", "deal", "card_change"} <= tables.keys()
    assert tables["person"][0]["surname"] == "Златоуст" and "Kozlov" not in json.dumps(facts)
    for words in ("Златоуст wants windows", "+7 495 999-00-77", "Windows for Златоуст", sound):
        assert words in page, words


def test_nobody_is_there(sign_in: SignIn, everywhere: Everywhere) -> None:
    browser = sign_in("head")
    for about in ({}, {"kind": "card", "id": 999}, {"kind": "person", "id": "x"}, {"kind": "number", "text": "no"}):
        assert all(browser.post(f"{BASE}/{one}", data=about).status_code == 404 for one in POSTS[1:])


def test_erasing_asks_first(sign_in: SignIn, everywhere: Everywhere, session: Session) -> None:
    browser, client_id = sign_in("head"), everywhere.client.id
    about = {"kind": "card", "id": client_id}
    page = browser.post(f"{BASE}/preview", data=about).get_data(as_text=True)
    assert "ООО Вятичи вятичи" in page and "calls <b>2</b>" in page
    answer = browser.post(f"{BASE}/erase", data=about | {"typed": "Вятичи", "why": "kept <b>words</b>"})
    assert answer.status_code == 422
    assert "Type it exactly" in answer.get_data(as_text=True) and "kept &lt;b&gt;words" in answer.get_data(as_text=True)
    answer = browser.post(f"{BASE}/erase", data=about | {"typed": "ООО Вятичи вятичи", "why": " "})
    assert answer.status_code == 422 and session.get(Client, client_id)
    answer = browser.post(f"{BASE}/erase", data=about | {"typed": "ооо вятичи вятичи", "why": "asked on 3 March"})
    assert answer.status_code == 303
    session.rollback()
    page = browser.get(BASE).get_data(as_text=True)
    assert "asked on 3 March" in page and "Helen Markova" in page and "Златоуст" not in page
    assert browser.get(f"/clients/{client_id}").status_code == 404


def test_the_page_says_which_call_is_held(
    sign_in: SignIn, everywhere: Everywhere, session: Session, clock: Clock
) -> None:
    session.scalars(select(Recording)).one().held_at = clock()
    session.commit()
    data = {"kind": "card", "id": everywhere.client.id, "typed": "ООО Вятичи вятичи", "why": "asked for"}
    answer = sign_in("head").post(f"{BASE}/erase", data=data)
    assert answer.status_code == 422 and f'href="/calls/{everywhere.call.id}"' in answer.get_data(as_text=True)


def test_the_command(
    app: Flask,
    everywhere: Everywhere,
    session: Session,
    clock: Clock,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings, client_id = app.config["SETTINGS"], everywhere.client.id
    with force_locale("en"):
        assert command.find(session, "999-00-11", "RU") == 0
        assert f"card:{client_id}" in capsys.readouterr().out
        assert command.find(session, "nobodyatall", "RU") == 1
        target = tmp_path / "all.zip"
        assert command.write(session, f"card:{client_id}", target, settings, clock()) == 0
        assert zipfile.is_zipfile(target) and target.stat().st_mode & 0o777 == 0o600
        assert command.write(session, f"card:{client_id}", target, settings, clock()) == 1
        assert "is there already" in capsys.readouterr().err
        assert command.write(session, "card:999", tmp_path / "no.zip", settings, clock()) == 1
        assert command.erase(session, "8 495 999 00 11", "", True, settings, clock()) == 1
        assert command.erase(session, f"card:{client_id}", "asked for", True, settings, clock()) == 0
        assert "erased, record 1" in capsys.readouterr().out
    assert session.scalars(select(Erasure)).one().by_id is None


def test_the_archive_holds_who_left_a_message(
    sign_in: SignIn, everywhere: Everywhere, session: Session, clock: Clock
) -> None:
    task = Task(kind="message", client_id=everywhere.client.id, text="ring me", due_at=clock(), created_at=clock())
    task.message = Message(who="Dobrynya's wife", mood="worried")
    session.add(task)
    session.commit()
    answer = sign_in("head").post(f"{BASE}/export", data={"kind": "card", "id": everywhere.client.id})
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        facts, page = json.loads(pack.read("data.json")), pack.read("index.html").decode()
    answer.close()
    (message,) = facts["tables"]["task_message"]
    assert (message["task_id"], message["who"], message["mood"]) == (task.id, "Dobrynya's wife", "worried")
    assert "Dobrynya&#39;s wife" in page

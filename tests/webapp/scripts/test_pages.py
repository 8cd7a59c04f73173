"""The pages of scripts: the list with its problems, the tree, and the steps in words."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapp.access import SALES
from webapp.accounts.models import User
from webapp.clients import fields
from webapp.scripts import run
from webapp.scripts.library import Library

SignIn = Callable[[str], FlaskClient]


def test_every_script_is_listed(sign_in: SignIn) -> None:
    page = sign_in("anna").get("/scripts").get_data(as_text=True)
    for script in run.library().scripts():
        assert f'href="/scripts/{script.script}/{script.language}"' in page


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_tree_and_every_step_in_words(sign_in: SignIn, language: str) -> None:
    script = run.library().get("inbound", language)
    page = unescape(sign_in("head").get(f"/scripts/inbound/{language}").get_data(as_text=True))
    assert "<svg" in page and "style=" not in page
    for name, step in script.steps.items():
        assert f'id="step-{name}"' in page and f'id="list-{name}"' in page, name
        assert step.say in page
        for answer in step.answers:
            assert answer.text in page
    for question in script.questions:
        assert question.text in page


def test_a_broken_file_is_told_with_its_line(sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = (run.FOLDER / "inbound.en.yaml").read_text(encoding="utf-8")
    file = tmp_path / "inbound.en.yaml"
    file.write_text(good, encoding="utf-8")
    library = Library(tmp_path, fields.FIELD_NAMES)
    library.scripts()
    line = good[: good.index("\nsteps:")].count("\n") + 3
    file.write_text(good.replace("\nsteps:", "\nsteps:\n  <b>broken</b>: [", 1), encoding="utf-8")
    monkeypatch.setattr(run, "library", lambda: library)
    head = sign_in("head")
    page = head.get("/scripts").get_data(as_text=True)
    problem = library.problems()[0]
    assert abs(problem.line - line) <= 1
    assert f"inbound.en.yaml:{problem.line}" in page and "not in use" in page
    assert "<b>broken" not in page
    tree = head.get("/scripts/inbound/en")
    assert tree.status_code == 200, "the last good version is still drawn"
    assert f"inbound.en.yaml:{problem.line}" in tree.get_data(as_text=True)


def test_no_script_at_all(sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "library", lambda: Library(tmp_path, fields.FIELD_NAMES))
    assert "No script can be used" in sign_in("head").get("/scripts").get_data(as_text=True)


@pytest.mark.parametrize("address", ["inbound/xx", "nothing/en", "..%2f..%2fetc/en", "inbound/en/x"])
def test_a_script_that_is_not_there(sign_in: SignIn, address: str) -> None:
    assert sign_in("head").get(f"/scripts/{address}").status_code == 404


def test_who_may_read_scripts(app: Flask, sign_in: SignIn, office: dict[str, User]) -> None:
    for address in ("/scripts", "/scripts/inbound/en"):
        assert "/login" in app.test_client().get(address).headers["Location"]
        assert sign_in("admin").get(address).status_code == 403
        for login, user in office.items():
            if user.role in SALES:
                assert sign_in(login).get(address).status_code == 200, login

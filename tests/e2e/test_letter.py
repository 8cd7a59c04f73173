"""A talk is closed, its letter is proposed, edited in a real browser, sent, and arrives at a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk
from tests.webapp.mail.servers import SENDER, Good
from webapp import clock
from webapp.accounts.models import User
from webapp.calls.models import Call, CallAudience
from webapp.clients import people
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.office.models import Office, Outcome, Purpose
from webapp.touches.models import Touch


@pytest.fixture
def post() -> Iterator[Good]:
    with Good() as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, pattern: Desk, clients: None, post: Good) -> Iterator[Desk]:
    """Web and worker, with a mail server."""
    desk = Desk(
        tmp_path,
        SECONDRING_SMTP=f"127.0.0.1:{post.controller.port}",
        SECONDRING_SMTP_TLS="none",
        SECONDRING_MAIL_FROM=SENDER,
    )
    try:
        desk.found_like(pattern)
        for name in ("web", "worker"):
            desk.start(name)
        yield desk
    finally:
        desk.close()


def test_from_the_closed_talk_to_the_client_s_box(desk: Desk, sign_in: SignIn, post: Good) -> None:
    def talked(session: Any, _office: Office) -> None:
        now = clock.now()
        anna = session.scalars(select(User).where(User.login == "anna")).one()
        rassvet = session.scalars(select(Client).where(Client.name == "Rassvet")).one()
        people.add_contact_point(
            session, rassvet, "email", "pavel@rassvet.example", "RU", Author(anna, now), rassvet.people[0]
        )
        call = Call(
            call_id="talk", number=KNOWN, offered_at=now - timedelta(minutes=5), answered_at=now, ended_at=now,
            state="ended", client_id=rassvet.id, answered_by_id=anna.id,
        )  # fmt: skip
        session.add(call)
        session.flush()
        session.add(CallAudience(call_id=call.id, user_id=anna.id, state="taken"))
        session.add(
            Touch(
                started_at=now, call_id=call.id, client_id=rassvet.id, person_id=rassvet.people[0].id,
                user_id=anna.id, next_at=now + timedelta(days=1), next_kind="offer",
                purpose_id=session.scalars(select(Purpose.id).where(Purpose.key == "price")).one(),
                outcome_id=session.scalars(select(Outcome.id).where(Outcome.key == "offer")).one(),
            )
        )  # fmt: skip

    desk.change(talked)
    page = sign_in("anna")
    page.get_by_role("link", name="Rassvet").first.click()
    page.get_by_role("button", name="Close the row").click()
    page.get_by_role("link", name="look through and send").click()
    page.get_by_role("link", name="Rassvet: windows").click()
    body = page.locator("#letter-body")
    expect(body).to_be_visible()
    assert "Dear Pavel," in body.input_value() and "our offer by" in body.input_value()
    page.locator("#letter-subject").fill("Windows for Rassvet: the offer!")
    expect(page.locator("#letter-checks")).to_contain_text("No exclamation marks")
    page.locator("#letter-subject").fill("Windows for Rassvet: the offer")
    expect(page.locator("#letter-checks")).to_contain_text("Nothing to mend")
    page.reload()
    expect(page.locator("#letter-subject")).to_have_value("Windows for Rassvet: the offer")
    body.press("End")
    body.press_sequentially(" So be it.")
    body.press("Control+Enter")
    expect(page.locator("#letter-state")).to_contain_text("Kept word for word")
    wait_for(lambda: post.box.mails, 20, desk.log("worker"))
    expect(page.locator("#letter-state")).to_contain_text("sent")
    (mail,) = post.box.mails
    assert mail["To"] == "pavel@rassvet.example" and mail["Subject"] == "Windows for Rassvet: the offer"
    assert "So be it." in mail.get_content() and "Anna Petrova" in mail.get_content()
    page.goto(desk.url + "/clients/1")
    expect(page.locator("#history")).to_contain_text("Windows for Rassvet: the offer")
    expect(page.locator("#history .entry-letter")).to_contain_text("sent")

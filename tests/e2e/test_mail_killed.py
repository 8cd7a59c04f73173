"""kill -9 of a real worker again and again while mail goes out: nothing arrives twice, nothing is lost."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests.e2e.installation import wait_for
from tests.e2e.office import Desk
from tests.webapp.mail.servers import Bad
from webapp import clock
from webapp.accounts.models import User
from webapp.mail import queue, sending
from webapp.mail.models import OutgoingMail

MAILS = 100


class Slow(Bad):
    """Thinks for a moment about every mail, so that a killed worker is often caught in the middle."""

    def _answer(self, connection: Any, stage: str, fine: str, to_address: str = "") -> None:
        time.sleep(random.random() * 0.015)
        super()._answer(connection, stage, fine, to_address)


@pytest.fixture
def slow(tmp_path: Path, pattern: Desk) -> Iterator[tuple[Desk, Slow]]:
    with Slow() as server:
        settings = {"SECONDRING_SMTP": f"127.0.0.1:{server.port}", "SECONDRING_SMTP_TLS": "none"}
        desk = Desk(tmp_path, **settings, SECONDRING_MAIL_FROM="desk@northwind.example")
        try:
            desk.found_like(pattern)
            yield desk, server
        finally:
            desk.close()


def test_a_worker_killed_again_and_again_sends_no_mail_twice(slow: tuple[Desk, Slow]) -> None:
    desk, server = slow

    def fill(session: Any, _office: Any) -> None:
        anna = session.scalars(select(User.id).where(User.login == "anna")).one()
        for number in range(MAILS):
            queue.put(session, f"letter:{number}", f"c{number}@a.example", "Hello", "text", clock.now(), user_id=anna)

    desk.change(fill)
    kills = 0
    while len(server.kept) < MAILS - 15 and kills < 8:
        desk.start("worker")
        was = len(server.kept)
        wait_for(lambda was=was: len(server.kept) > was, 20, desk.log("worker"))  # type: ignore[misc]
        time.sleep(random.random() * 0.8)
        desk.kill("worker")
        kills += 1

    def forget_the_dead(session: Any, _office: Any) -> None:
        earlier = clock.now() - sending.LOST_AFTER - timedelta(minutes=1)
        session.execute(update(OutgoingMail).where(OutgoingMail.ended_at.is_(None)).values(claimed_at=earlier))

    desk.change(forget_the_dead)
    desk.start("worker")
    open_ones = select(func.count()).where(OutgoingMail.ended_at.is_(None))
    wait_for(lambda: desk.ask(lambda session: session.scalar(open_ones)) == 0, 30, desk.log("worker"))

    arrived = Counter(server.kept)
    rows = desk.ask(lambda session: session.execute(select(OutgoingMail.message_id, OutgoingMail.state)).all())
    states = Counter(state for _, state in rows)
    assert kills > 3 and len(rows) == MAILS
    assert [one for one, times in arrived.items() if times > 1] == []
    lost = [one for one, state in rows if one not in arrived and state != "unsure"]
    assert lost == [] and set(states) <= {"sent", "unsure"}
    assert all(arrived[one] == 1 for one, state in rows if state == "sent")
    assert states["unsure"] <= kills, states

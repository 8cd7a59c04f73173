"""The same desk on PostgreSQL: a real call through it, and several processes for its pages."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect
from sqlalchemy import select

from tests.e2e.installation import wait_for
from tests.e2e.office import UNKNOWN, Desk
from tests.postgres import Cluster
from webapp.calls.models import CallTrace
from webapp.touches.models import Touch


def test_a_call_from_the_ring_to_the_ledger(cluster: Cluster, tmp_path: Path, clients: None, browser: Browser) -> None:
    desk = Desk(tmp_path, DATABASE_URL=cluster.database("office"))
    try:
        desk.found()
        desk.start("web")
        desk.start("bridge")
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        page.goto(desk.url)
        page.locator("#login").fill("anna")
        page.locator("input[type=password]").fill(desk.passwords["anna"])
        page.keyboard.press("Enter")
        expect(page.locator("#bar")).to_contain_text("No call")
        caller, _phone = desk.talk(UNKNOWN)
        expect(page.locator("#bar")).to_contain_text("Talking")
        page.keyboard.press("2")
        expect(page.locator("#script .sentence")).to_contain_text("How should I address you?")
        page.locator("#card-name").fill("Vostok")
        page.keyboard.press("Control+s")
        expect(page.locator("#who-title")).to_have_text("Vostok")
        page.locator("#note").fill("on the other database")
        wait_for(lambda: desk.count(Touch, Touch.note == "on the other database") == 1)
        desk.kill("web")
        caller.hang_up()
        desk.start("web")
        desk.call("ended", end="completed", by="anna")
        expect(page.locator("#bar")).to_contain_text("Ended")
        [row] = desk.ledger()["rows"]
        assert (row["client"], row["purpose"], row["note"], row["state"]) == (
            "Vostok",
            "Price",
            "on the other database",
            "talked",
        )
        kinds = desk.ask(lambda session: list(session.scalars(select(CallTrace.kind))))
        assert kinds.count("offered") == kinds.count("ended_completed") == 1
        assert not (tmp_path / "var" / "secondring.sqlite").exists()
        context.close()
    finally:
        desk.close()


def test_pages_and_calls_go_on_when_one_of_two_web_processes_or_the_server_is_killed(
    cluster: Cluster, tmp_path: Path, clients: None, browser: Browser
) -> None:
    desk = Desk(tmp_path, DATABASE_URL=cluster.database("two"), SECONDRING_WEB_PROCESSES="2")
    context = browser.new_context(locale="en-US")
    try:
        desk.found()
        for name in ("web", "another web"):
            desk.start(name, "webapp.serve")
        wait_for(lambda: shares(desk) == 2)
        for name in ("bridge", "worker"):
            desk.start(name)
        page = context.new_page()
        page.goto(desk.url)
        page.locator("#login").fill("anna")
        page.locator("input[type=password]").fill(desk.passwords["anna"])
        page.keyboard.press("Enter")
        expect(page.locator("#bar")).to_contain_text("No call")
        caller, _phone = desk.talk(UNKNOWN)
        expect(page.locator("#bar")).to_contain_text("Talking")
        for killed in ("web", "another web"):
            desk.kill(killed)
            page.locator("#note").fill(f"without {killed}")
            wait_for(lambda killed=killed: desk.count(Touch, Touch.note == f"without {killed}") == 1)  # type: ignore[misc]
            desk.start(killed, "webapp.serve")
            wait_for(lambda: shares(desk) == 2)
        cluster.kill()
        cluster.start()
        caller.hang_up()
        desk.call("ended", end="completed", by="anna")
        expect(page.locator("#bar")).to_contain_text("Ended")
        assert all(process.poll() is None for process in desk.processes.values())
    finally:
        context.close()
        desk.close()


def shares(desk: Desk) -> int:
    """How many processes listen where the pages are."""
    address = f"0100007F:{desk.web_port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(line[1] == address and line[3] == "0A" for line in lines)

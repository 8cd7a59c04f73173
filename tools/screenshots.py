"""Take the pictures of the documentation from the running product: real processes, a real call, a real browser.

python tools/screenshots.py                  write docs/pictures
python tools/screenshots.py --review FOLDER  every page in both themes and languages, to look at
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.installation import Installation, wait_for  # noqa: E402

SIZE = {"width": 1280, "height": 720}
BROWSER = ["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
BROWSER += ["--disable-sync", "--no-first-run", "--disable-dev-shm-usage"]
PAGES = {
    "desk-idle": ("anna", "/desk"),
    "clients": ("anna", "/clients"),
    "card": ("anna", "/clients/3"),
    "client-new": ("anna", "/clients/new"),
    "ledger": ("helen", "/ledger"),
    "calls": ("helen", "/calls"),
    "call": ("helen", "/calls/{call}"),
    "roster": ("helen", "/roster"),
    "scripts": ("helen", "/scripts"),
    "settings": ("helen", "/settings"),
    "lines": ("helen", "/settings/lines"),
    "sounds": ("helen", "/settings/sounds"),
    "telephones": ("helen", "/telephones"),
    "calling-out": ("admin", "/settings/calling-out"),
    "softphone": ("anna", "/me/softphone"),
    "users": ("admin", "/users"),
}


@contextmanager
def demo(folder: Path, language: str) -> Iterator[tuple[Installation, dict[str, str]]]:
    """The demo office as `./desk run` starts it; gives the installation and the passwords it printed."""
    installation = Installation(folder, LANG="ru_RU.UTF-8" if language == "ru" else "C.UTF-8", LC_ALL="")
    installation.environ.pop("LC_ALL")
    installation.start("run", "webapp.cli", "run")
    try:
        wait_for(installation.bridge_is_up, 40)
        wait_for(lambda: installation.get("/healthz")["bridge"], 40)
        text = (folder / "run.log").read_text()
        yield (
            installation,
            dict(re.findall(r"^ {4}([a-z]+) +([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})  [a-z]+$", text, re.M)),
        )
    finally:
        process = installation.processes.pop("run")
        process.send_signal(signal.SIGINT)
        process.wait(10)
        installation.close()


def sign_in(browser: Browser, url: str, login: str, password: str, theme: str, language: str) -> Page:
    """A page at 1280x720 with somebody signed in."""
    context = browser.new_context(viewport=SIZE, color_scheme=theme, locale=language)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.click("form button.btn-primary")
    page.wait_for_url(lambda address: "/login" not in address)
    return page


def call(installation: Installation, number: str, name: str = "") -> subprocess.Popen[bytes]:
    """A real test call, 25 seconds long."""
    command = [sys.executable, "-m", "sipbridge.testcall", "--to", f"sip:desk@{installation.sip}"]
    command += ["--from", number, "--name", name, "--seconds", "25"]
    return subprocess.Popen(command, cwd=ROOT, env=installation.environ, stdout=subprocess.DEVNULL)


def hang_up(process: subprocess.Popen[bytes]) -> None:
    """End a test call."""
    process.terminate()
    process.wait(10)


def who_is_on_duty(installation: Installation) -> str:
    """The login of the manager on duty now."""

    def ask(session: Any) -> str:
        from webapp import clock
        from webapp.roster.duty import on_duty

        return str(on_duty(session, clock.now())[0].user.login)

    return installation.ask(ask)


def during_a_call(installation: Installation, page: Page, number: str, target: Path, prefix: str) -> None:
    """Pictures of the desk while it rings, in the talk, and afterwards."""
    process = call(installation, number)
    page.wait_for_selector(".callbar-ringing", timeout=15000)
    page.wait_for_timeout(1200)
    page.screenshot(path=target / f"{prefix}ringing.png")
    page.wait_for_selector(".callbar-talking", timeout=20000)
    page.wait_for_timeout(1500)
    page.screenshot(path=target / f"{prefix}talking.png")
    hang_up(process)
    page.wait_for_selector(".callbar-talking", state="detached", timeout=15000)


def a_client_of(installation: Installation, login: str) -> str:
    """The full number of a client whose own manager is `login`, with an open deal when there is one."""

    def ask(session: Any) -> str:
        from sqlalchemy import select

        from webapp.accounts.models import User
        from webapp.clients.models import Client, ContactPoint
        from webapp.deals.models import Deal

        owner = session.scalars(select(User).where(User.login == login)).one()
        query = (
            select(ContactPoint.normal)
            .join(Client, Client.id == ContactPoint.client_id)
            .outerjoin(Deal, Deal.client_id == Client.id)
            .where(Client.owner_id == owner.id, ContactPoint.kind == "phone", ContactPoint.normal.startswith("+"))
            .order_by(Deal.id.is_(None), Client.id)
        )
        return str(session.scalars(query).first())

    return installation.ask(ask)


def last_call(installation: Installation) -> int:
    """The newest call that was talked."""

    def ask(session: Any) -> int:
        from sqlalchemy import func, select

        from webapp.calls.models import Call

        return int(session.scalar(select(func.max(Call.id)).where(Call.talk_seconds > 0)))

    return installation.ask(ask)


def pictures(language: str, target: Path) -> None:
    """The documentation's pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", chromium_sandbox=False, args=BROWSER)
        with demo(Path(folder), language) as (installation, passwords):
            duty = who_is_on_duty(installation)
            page = sign_in(browser, installation.url, duty, passwords[duty], "light", language)
            page.goto(f"{installation.url}/desk")
            during_a_call(installation, page, a_client_of(installation, duty), target, "desk-")
        browser.close()


def review(target: Path) -> None:
    """Every page in both themes and languages, and the desk's states."""
    for language in ("en", "ru"):
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", chromium_sandbox=False, args=BROWSER
            )
            with demo(Path(folder), language) as (installation, passwords):
                duty = who_is_on_duty(installation)
                known, call_id = a_client_of(installation, duty), last_call(installation)
                for theme in ("light", "dark"):
                    prefix = f"{language}-{theme}-"
                    pages: dict[str, Page] = {}
                    for name, (login, path) in PAGES.items():
                        if login not in pages:
                            pages[login] = sign_in(browser, installation.url, login, passwords[login], theme, language)
                        pages[login].goto(installation.url + path.format(call=call_id))
                        pages[login].wait_for_timeout(300)
                        pages[login].screenshot(path=target / f"{prefix}{name}.png")
                    page = sign_in(browser, installation.url, duty, passwords[duty], theme, language)
                    page.goto(f"{installation.url}/desk")
                    during_a_call(installation, page, known, target, f"{prefix}desk-known-")
                    page.goto(f"{installation.url}/desk")
                    during_a_call(installation, page, "+74950000999", target, f"{prefix}desk-new-")
            browser.close()


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--review", type=Path, metavar="FOLDER")
    parser.add_argument("--language", default="en")
    options = parser.parse_args()
    target = options.review or ROOT / "docs" / "pictures"
    target.mkdir(parents=True, exist_ok=True)
    if options.review:
        review(target)
    else:
        pictures(options.language, target)


if __name__ == "__main__":
    main()

"""An office at work for every test: real processes, real telephones, a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.office import Desk
from tests.e2e.phones import missing
from tests.postgres import Cluster, programs

SignIn = Callable[..., Page]
"""`sign_in("anna")`; options are those of a browser's profile, and `url` where the way there is another."""
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def clients() -> None:
    """The real programs; where they are absent the test is left out, and says so."""
    if absent := missing():
        pytest.skip(f"LEFT OUT: {', '.join(absent)} not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of its own."""
    found = programs()
    if found is None:
        assert not os.environ.get("CI"), "PostgreSQL is missing on a build machine"
        pytest.skip("LEFT OUT: PostgreSQL's server is not installed")
    cluster = Cluster(found)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """An office that was founded and never opened; the others are copies of it."""
    desk = Desk(tmp_path_factory.mktemp("pattern"))
    desk.found()
    return desk


@pytest.fixture
def desk(tmp_path: Path, pattern: Desk, clients: None) -> Iterator[Desk]:
    """A fresh office with web and bridge running."""
    desk = Desk(tmp_path)
    try:
        desk.found_like(pattern)
        desk.start("web")
        desk.start("bridge")
        yield desk
    finally:
        desk.close()


@pytest.fixture
def sign_in(clients: None, browser: Browser, desk: Desk) -> Iterator[SignIn]:
    """`sign_in("anna")` is her page, signed in through the form. No page may throw, nor break the page's policy."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def sign(login: str, url: str = desk.url, **options: Any) -> Page:
        profile: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}, "locale": "en-US", **options}
        context = browser.new_context(**profile)
        context.set_default_timeout(20_000)
        contexts.append(context)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on(
            "console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None
        )
        page = context.new_page()
        page.goto(url + "/login")
        page.locator("#login").fill(login)
        page.locator("input[type=password]").fill(desk.passwords[login])
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield sign
    for context in contexts:
        context.close()
    assert not wrong, wrong

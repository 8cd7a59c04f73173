"""The one browser of a test process, and the difference between a test run and `./desk soak`.

Playwright can't be started twice in one process. A test with the mark `soak` runs in `./desk soak` alone; one that
takes the fixture `soaking` runs in both, and longer there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the long tests alone, in their long form")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes minutes; runs in `./desk soak` alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def belongs(item: pytest.Item) -> bool:
        alone = item.get_closest_marker("soak") is not None
        if config.getoption("--soak"):
            return alone or "soaking" in getattr(item, "fixturenames", ())
        return not alone

    left_out = [item for item in items if not belongs(item)]
    items[:] = [item for item in items if belongs(item)]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def soaking(request: pytest.FixtureRequest) -> bool:
    """Whether this is `./desk soak`, where a test takes the time its subject takes."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each opens contexts of its own."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("LEFT OUT: chromium not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=list(CHROMIUM))
        yield browser
        browser.close()

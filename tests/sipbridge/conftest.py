"""A stand-in desk, and an office whose bridge talks to it. A test file that wants more of them says so itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sipbridge.office import Office
from tests.sipbridge.standin import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    stand_in = Desk().start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def office(tmp_path: Path, desk: Desk) -> Iterator[Office]:
    one = Office(tmp_path, desk.port)
    yield one
    one.close()

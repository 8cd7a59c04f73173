"""Settings that can't be used are refused by name."""

from __future__ import annotations

import pytest

from webapp import config

POSTGRES = "postgresql+psycopg://desk@/desk"


def test_several_processes_for_the_pages_need_postgresql() -> None:
    assert config.load({}).web_processes == 1
    assert config.load({"DATABASE_URL": POSTGRES, "SECONDRING_WEB_PROCESSES": "4"}).web_processes == 4
    with pytest.raises(config.ConfigError, match="PostgreSQL"):
        config.load({"SECONDRING_WEB_PROCESSES": "2"})


@pytest.mark.parametrize("many", ["0", "33", "two", "-1", "1.5", " 2", "٢"])
def test_a_number_of_processes_that_is_none(many: str) -> None:
    with pytest.raises(config.ConfigError, match="SECONDRING_WEB_PROCESSES"):
        config.load({"DATABASE_URL": POSTGRES, "SECONDRING_WEB_PROCESSES": many})

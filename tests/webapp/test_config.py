"""Settings that can't be used are refused by name."""

from __future__ import annotations

from pathlib import Path

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


MAIL = {"SECONDRING_SMTP": "mail.office.example", "SECONDRING_MAIL_FROM": "desk@office.example"}


def test_a_mail_server() -> None:
    assert config.load({}).mail is None
    assert config.load(MAIL).mail == config.MailServer(
        "mail.office.example", 587, "starttls", "", "", MAIL["SECONDRING_MAIL_FROM"]
    )
    for tls, port in (("tls", 465), ("insecure", 25)):
        found = config.load(MAIL | {"SECONDRING_SMTP_TLS": tls}).mail
        assert found and (found.port, found.tls) == (port, tls if tls == "tls" else "none")
    for host in ("127.0.0.1", "localhost", "[::1]", "[::1]:2525"):
        found = config.load(MAIL | {"SECONDRING_SMTP": host, "SECONDRING_SMTP_TLS": "none"}).mail
        assert found and found.port == (2525 if host.endswith("2525") else 25)


def test_the_password_of_the_mail_server_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("pa ss\n")
    found = config.load(MAIL | {"SECONDRING_SMTP_USER": "desk", "SECONDRING_SMTP_PASSWORD_FILE": str(file)})
    assert found.mail and found.mail.password == "pa ss" and "pa ss" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECONDRING_SMTP", "mail.office.example:0"),
        ("SECONDRING_SMTP", "mail office"),
        ("SECONDRING_SMTP", ":25"),
        ("SECONDRING_SMTP_TLS", "yes"),
        ("SECONDRING_SMTP_TLS", "none"),
        ("SECONDRING_MAIL_FROM", ""),
        ("SECONDRING_MAIL_FROM", "desk"),
        ("SECONDRING_MAIL_FROM", "Desk <desk@office.example>"),
        ("SECONDRING_SMTP_PASSWORD", "topsecret"),
        ("SECONDRING_SMTP_USER", "desk"),
        ("SECONDRING_SMTP_PASSWORD_FILE", "/nowhere/password"),
    ],
)
def test_a_mail_server_that_makes_no_sense(name: str, value: str) -> None:
    with pytest.raises(config.ConfigError, match=r"SECONDRING_(SMTP|MAIL)") as refused:
        config.load(MAIL | {name: value})
    assert name in str(refused.value) or name in ("SECONDRING_SMTP_USER", "SECONDRING_SMTP_PASSWORD")
    assert "topsecret" not in str(refused.value)


def test_a_setting_of_a_mail_server_that_is_not_named() -> None:
    with pytest.raises(config.ConfigError, match="SECONDRING_SMTP_USER: SECONDRING_SMTP is missing"):
        config.load({"SECONDRING_SMTP_USER": "desk"})

"""The talk with the server: over TLS and with a password or not at all; what is sure at each stage when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.webapp.mail.servers import Bad, Good, certificate
from webapp.config import MailServer
from webapp.mail.smtp import Connection, Failed, Limits

LETTER = b"Message-ID: <one@second-ring>\nSubject: hello\n\nfirst\n.hidden\n..\nlast\n"
SHORT = Limits(connect=1, answer=0.3, last_answer=0.4, greeting=0.6, mail=0.6)


def give(server: MailServer, limits: Limits = SHORT) -> list[str]:
    """Hand LETTER over; what was asked on the way."""
    asked: list[str] = []

    def before_the_dot() -> bool:
        asked.append("dot")
        return True

    connection = Connection(server, limits)
    try:
        connection.hand_over("pavel@rassvet.example", LETTER, before_the_dot)
    finally:
        connection.close()
    return asked


def test_lines_with_dots_arrive_as_they_are() -> None:
    with Good() as server:
        assert give(server.settings()) == ["dot"]
    assert server.box.raw[0].replace(b"\r\n", b"\n").endswith(b"first\n.hidden\n..\nlast\n")


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd does not see the TLS that was there from the start
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_with_tls_and_a_password(tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = certificate(tmp_path)
    with Good(trusted, ("desk", "secret word"), tls) as server:
        with pytest.raises(Failed) as failed:  # nobody vouches for it
            give(server.settings("localhost"))
        assert (failed.value.what, failed.value.stage) == ("server", "tls")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        give(server.settings("localhost"))
        with pytest.raises(Failed) as failed:  # it is somebody else's
            give(server.settings("127.0.0.1"))
        assert (failed.value.what, failed.value.stage) == ("server", "tls")
        with pytest.raises(Failed) as failed:
            give(server.settings("localhost", password="wrong"))
        assert (failed.value.what, failed.value.stage, failed.value.said[:3]) == ("server", "login", "535")
        assert "wrong" not in failed.value.said
    assert len(server.box.raw) == 1


def test_without_starttls_nothing_is_said_in_the_clear() -> None:
    with Bad() as server:
        plain = server.settings()
        with pytest.raises(Failed) as failed:
            give(MailServer(plain.host, plain.port, "starttls", "desk", "secret", plain.sender))
    assert (failed.value.what, failed.value.stage, failed.value.said) == ("server", "tls", "no_tls")
    assert server.kept == []


def test_nobody_is_there() -> None:
    with Bad() as server:
        settings = server.settings()
    with pytest.raises(Failed) as failed:
        give(settings)
    assert (failed.value.what, failed.value.stage) == ("server", "connect")


WHOSE = {"greeting": "connect", "ehlo": "connect", "mail": "sender", "rcpt": "address", "data": "text", "dot": "answer"}


@pytest.mark.parametrize("at", WHOSE)
@pytest.mark.parametrize(("code", "what"), [(550, "refused"), (451, "later")])
def test_a_server_that_refuses(at: str, code: int, what: str) -> None:
    with Bad(at, "refuse", code) as server, pytest.raises(Failed) as failed:
        give(server.settings())
    what = "server" if WHOSE[at] == "connect" else what
    assert (failed.value.what, failed.value.stage) == (what, WHOSE[at])
    assert failed.value.said == f"{code} no, not {at}" and failed.value.code == str(code)
    assert server.kept == []


@pytest.mark.parametrize("how", ["hang", "vanish", "drip"])
@pytest.mark.parametrize("at", [*WHOSE, "text"])
def test_a_server_that_stops(at: str, how: str) -> None:
    asked: list[str] = []

    def before_the_dot() -> bool:
        asked.append("dot")
        return True

    with Bad(at, how) as server, pytest.raises(Failed) as failed:
        connection = Connection(server.settings(), SHORT)
        connection.hand_over("pavel@rassvet.example", LETTER, before_the_dot)
    if at == "dot" or (at == "text" and asked):
        assert failed.value.what == "unsure" and asked == ["dot"]
    else:
        assert failed.value.what == ("server" if at in ("greeting", "ehlo") else "later") and asked == []
        assert server.kept == []
    words = {"hang": ("timeout", "slow"), "vanish": ("cut",), "drip": ("slow", "timeout", "cut")}
    assert failed.value.said in words[how]


def test_a_mail_that_was_taken_away_gets_no_dot() -> None:
    with Bad() as server:
        connection = Connection(server.settings(), SHORT)
        with pytest.raises(Failed) as failed:
            connection.hand_over("pavel@rassvet.example", LETTER, lambda: False)
        assert failed.value.what == "later" and not connection.open
    assert server.kept == []


def test_one_bad_address_leaves_the_connection_for_the_next() -> None:
    with Bad("rcpt", "refuse", only="gone@rassvet.example") as server:
        connection = Connection(server.settings(), SHORT)
        with pytest.raises(Failed):
            connection.hand_over("gone@rassvet.example", LETTER, lambda: True)
        connection.hand_over("pavel@rassvet.example", LETTER, lambda: True)
        connection.close()
    assert server.kept == ["one@second-ring"] and server.connections == 1

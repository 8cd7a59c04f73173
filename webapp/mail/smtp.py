"""One connection to the mail server (RFC 5321): a mail is handed over in two steps, so that it is known what is sure.

Everything before the last dot may be tried again, since a server may not deliver what has no end (RFC 5321 4.1.1.4).
Between the dot and the server's answer nobody can know.
"""

from __future__ import annotations

import contextlib
import select
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from webapp.config import MailServer

STAGES = ("connect", "tls", "login", "message", "sender", "address", "text", "answer")
"""Where it may go wrong, in order; the first three concern the server, not the mail."""
LONGEST_SAID = 250


@dataclass(frozen=True)
class Limits:
    """Seconds: until connected, for one answer, for the answer to the dot, for all of the greeting and for a mail.

    The last two are for servers that drip their answers byte by byte. A server may look through a mail for long before
    it answers the dot, and who doesn't wait doesn't know.
    """

    connect: float = 10
    answer: float = 30
    last_answer: float = 120
    greeting: float = 60
    mail: float = 120


class Failed(Exception):
    """It did not go. `what`: server (no mail can go now), later (this one can't now), refused (it never can),
    unsure (it may have gone). `stage` is one of STAGES, `said` the server's words, or timeout, slow, cut, no_tls."""

    def __init__(self, what: str, stage: str, said: str) -> None:
        super().__init__(f"{what} at {stage}")
        self.what, self.stage, self.said = what, stage, said

    @property
    def code(self) -> str:
        """The server's three digits, else the word: what may be logged, while its sentences may name people."""
        return self.said[:3] if self.said[:3].isdigit() else self.said.partition(" ")[0][:20]


MOST_LINES = 100
LONGEST_LINE = 8192


class _Smtp(smtplib.SMTP):
    """With a handle on the connection that outlives its change to TLS, for the watchdog; half an answer is none."""

    def __init__(self, server: MailServer, limits: Limits) -> None:
        # Our own host's name would tell of the office's network; the sender's domain is a name everybody knows.
        super().__init__(timeout=limits.connect, local_hostname=server.sender.rpartition("@")[2])
        self.limits, self.first_byte_tls = limits, server.tls == "tls"
        self.handle: socket.socket | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = socket.create_connection((host, port), timeout)
        self.handle = found.dup()
        found.settimeout(self.limits.answer)
        if not self.first_byte_tls:
            return found
        return ssl.create_default_context().wrap_socket(found, server_hostname=host)

    def getreply(self) -> tuple[int, bytes]:
        """One whole answer, its code and words; smtplib's own takes a line that was cut for an answer."""
        if self.file is None and self.sock:
            self.file = self.sock.makefile("rb")
        words: list[bytes] = []
        while self.file and len(words) < MOST_LINES:
            try:
                line = self.file.readline(LONGEST_LINE)
            except OSError as error:
                self.close()
                raise smtplib.SMTPServerDisconnected(str(error)) from None
            if not line.endswith(b"\n"):
                break
            words.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]) if line[:3].isdigit() else -1, b"\n".join(words)
        self.close()
        raise smtplib.SMTPServerDisconnected("cut")

    def cut(self) -> None:
        """End the connection under whoever waits for it."""
        if self.handle:
            with contextlib.suppress(OSError):
                self.handle.shutdown(socket.SHUT_RDWR)


class Connection:
    """Signed in at the server until `close`. Raises Failed where it can't be opened."""

    def __init__(self, server: MailServer, limits: Limits | None = None) -> None:
        self.server, self.limits = server, limits or Limits()
        self.open = False
        self._smtp = _Smtp(server, self.limits)
        try:
            with self._within(self.limits.greeting):
                self._greet()
        except Failed:
            self.close()
            raise
        self.open = True

    def close(self) -> None:
        """End it, without a word when the server hears none."""
        self.open = False
        if self._smtp.sock:
            self._smtp.sock.settimeout(1)
            with contextlib.suppress(OSError, smtplib.SMTPException, ValueError):
                self._smtp.putcmd("quit")
        self._smtp.close()
        if self._smtp.handle:
            self._smtp.handle.close()
            self._smtp.handle = None

    def hand_over(self, to_address: str, message: bytes, before_the_dot: Callable[[], bool]) -> None:
        """Give one mail to the server. `before_the_dot` writes down that from now on nobody knows; False stops it.

        Raises Failed; the connection may be closed then, and `open` says so.
        """
        smtp = self._smtp
        with self._within(self.limits.mail):
            self._say("sender", f"MAIL FROM:<{self.server.sender}>", (250,))
            self._say("address", f"RCPT TO:<{to_address}>", (250, 251))
            self._say("text", "DATA", (354,))
            with self._telling("text"):
                smtp.send(_stuffed(message))
                if self._has_spoken():  # it said no in the middle, or is gone
                    raise smtplib.SMTPServerDisconnected("cut")
        if not before_the_dot():
            self._drop()
            raise Failed("later", "text", "cut")
        try:
            with self._within(self.limits.last_answer), self._telling("answer"):
                if smtp.sock:
                    smtp.sock.settimeout(self.limits.last_answer)
                smtp.send(b".\r\n")
                code, words = smtp.getreply()
        except Failed as failed:
            raise Failed("unsure", failed.stage, failed.said) from None
        if smtp.sock:
            smtp.sock.settimeout(self.limits.answer)
        if code // 100 not in (2, 4, 5):
            self._drop()
            raise Failed("unsure", "answer", _said(code, words))
        self._judge("answer", code, words, range(200, 300))

    def _greet(self) -> None:
        smtp, server = self._smtp, self.server
        with self._telling("connect", "server"):
            smtp._host = server.host  # type: ignore[attr-defined]  # whose certificate is asked for
            code, words = smtp.connect(server.host, server.port)
            if code != 220:
                raise Failed("server", "connect", _said(code, words))
        with self._telling("connect", "server"):
            smtp.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            with self._telling("tls", "server"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
        if server.user:
            with self._telling("login", "server"):
                smtp.login(server.user, server.password)

    def _say(self, stage: str, command: str, fine: tuple[int, ...]) -> None:
        with self._telling(stage):
            self._smtp.putcmd(command)
            code, words = self._smtp.getreply()
        self._judge(stage, code, words, fine)

    def _judge(self, stage: str, code: int, words: bytes, fine: tuple[int, ...] | range) -> None:
        if code in fine:
            return
        what = "refused" if code // 100 == 5 else "later"
        if code // 100 not in (4, 5) or code == 421:
            self._drop()
        else:
            try:
                with self._within(self.limits.answer):
                    self._smtp.rset()
            except (OSError, smtplib.SMTPException):
                self._drop()
        raise Failed(what, stage, _said(code, words))

    def _has_spoken(self) -> bool:
        return bool(self._smtp.sock and select.select([self._smtp.sock], [], [], 0)[0])

    def _drop(self) -> None:
        self._smtp.close()
        self.close()

    @contextlib.contextmanager
    def _telling(self, stage: str, what: str = "later") -> Iterator[None]:
        """Failed, for whatever goes wrong inside; the connection is closed."""
        try:
            yield
        except Failed:
            raise
        except smtplib.SMTPResponseException as error:
            words = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
            said = _said(error.smtp_code, words)
        except smtplib.SMTPNotSupportedError:
            said = "no_tls" if stage == "tls" else "no_login"
        except TimeoutError:
            said = "timeout"
        except ssl.SSLError as error:
            stage = "tls" if what == "server" else stage
            said = _plain(getattr(error, "verify_message", "") or error.reason or "TLS")
        except smtplib.SMTPServerDisconnected as error:  # smtplib tells of a timeout like this, too
            said = "timeout" if "timed out" in str(error) else "cut"
        except (ConnectionResetError, BrokenPipeError):
            said = "cut"
        except OSError as error:
            said = _plain(error.strerror or type(error).__name__)
        except (smtplib.SMTPException, ValueError) as error:  # ValueError: letters that SMTP can't carry
            said = type(error).__name__
        else:
            return
        slow = self._too_slow
        self._drop()
        raise Failed(what, stage, "slow" if slow else said)

    _too_slow = False

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Cut the connection when it takes longer: a server that sends a byte now and then is never silent."""

        def late() -> None:
            self._too_slow = True
            self._smtp.cut()

        self._too_slow = False
        timer = threading.Timer(seconds, late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _stuffed(message: bytes) -> bytes:
    """With CRLF and dots doubled (RFC 5321 4.5.2), up to where the last dot belongs."""
    lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n")
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


def _said(code: int, words: bytes) -> str:
    return _plain(f"{code} {words.decode('utf-8', 'replace')}")


def _plain(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:LONGEST_SAID]

"""Mail servers as one meets them: good ones (aiosmtpd) and such that refuse, hang, vanish or drip at a stage."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import subprocess
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from webapp.config import MailServer

SENDER = "desk@northwind.example"


class Box:
    """Keeps what arrives, in order."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.raw.append(envelope.content)
        return "250 Kept"

    @property
    def mails(self) -> list[EmailMessage]:
        """What has come so far."""
        found = [message_from_bytes(one, policy=policy.default) for one in self.raw]
        return [one for one in found if isinstance(one, EmailMessage)]


class Good:
    """A server that takes everything; with a certificate it wants STARTTLS (or TLS at once), with a login AUTH."""

    def __init__(
        self, certificate: Path | None = None, login: tuple[str, str] | None = None, tls: str = "none"
    ) -> None:
        self.box, self.tls, self.login = Box(), tls, login
        options: dict[str, Any] = {}
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            options["ssl_context" if tls == "tls" else "tls_context"] = context
            options["require_starttls"] = tls == "starttls"
        if login:
            name, password = (one.encode() for one in login)

            def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
                return AuthResult(success=(data.login, data.password) == (name, password), handled=False)

            options |= {"authenticator": check, "auth_required": True, "auth_require_tls": tls == "starttls"}
        self.controller = Controller(self.box, hostname="127.0.0.1", port=0, **options)

    def __enter__(self) -> Good:
        # The controller asks its own port whether it answers, so it has to know it beforehand.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.controller.port = probe.getsockname()[1]
        self.controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.controller.stop()

    def settings(self, host: str = "127.0.0.1", password: str | None = None) -> MailServer:
        """How the desk reaches it."""
        user, right = self.login or ("", "")
        return MailServer(host, self.controller.port, self.tls, user, password or right, SENDER)


STAGES = ("greeting", "ehlo", "mail", "rcpt", "data", "text", "dot")


class Bad:
    """A server of its own making. At stage `at` it does `what`: refuse (`code`), hang, vanish, drip or flood.

    vanish at `dot`: the mail is kept, and the connection reset before the answer; at `text`: reset in the middle of it.
    `only`: addresses for which it does so, None for all; `times`: so often, then it behaves.
    """

    def __init__(self, at: str = "", what: str = "", code: int = 550, only: str = "", times: int = 10**9) -> None:
        self.at, self.what, self.code, self.only, self.times = at, what, code, only, times
        self.kept: list[str] = []
        self.connections = 0
        self._ending = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Bad:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # else whoever accepts goes on
        self._listener.close()

    def settings(self) -> MailServer:
        return MailServer("127.0.0.1", self.port, "none", "", "", SENDER)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, _Gone), connection:
            lines = connection.makefile("rb")
            self._answer(connection, "greeting", "220 here")
            to_address = ""
            while line := lines.readline():
                verb = line.split()[0].upper() if line.split() else b""
                if verb in (b"EHLO", b"HELO"):
                    self._answer(connection, "ehlo", "250 hello")
                elif verb == b"MAIL":
                    self._answer(connection, "mail", "250 ok")
                elif verb == b"RCPT":
                    to_address = line.decode().partition("<")[2].partition(">")[0]
                    self._answer(connection, "rcpt", "250 ok", to_address)
                elif verb == b"DATA":
                    self._answer(connection, "data", "354 go on", to_address)
                    self._take(connection, lines, to_address)
                elif verb == b"QUIT":
                    self._send(connection, "221 bye")
                    return
                else:
                    self._send(connection, "250 ok")

    def _take(self, connection: socket.socket, lines: Any, to_address: str) -> None:
        text = b""
        if self._is_it("text", to_address):
            self._do(connection)
        while (line := lines.readline()) not in (b".\r\n", b""):
            text += line
        if not line:
            raise _Gone
        said_no = self.at == "dot" and self.what == "refuse" and (not self.only or self.only == to_address)
        if not said_no:
            self.kept += re.findall(r"^Message-ID: <([^>]+)>", text.decode("ascii"), re.MULTILINE)
        self._answer(connection, "dot", "250 kept", to_address)

    def _is_it(self, stage: str, to_address: str) -> bool:
        if stage != self.at or (self.only and self.only != to_address) or self.times <= 0:
            return False
        self.times -= 1
        return True

    def _answer(self, connection: socket.socket, stage: str, fine: str, to_address: str = "") -> None:
        if self._is_it(stage, to_address):
            self._do(connection)
        else:
            self._send(connection, fine)

    def _do(self, connection: socket.socket) -> None:
        if self.what == "refuse":
            self._send(connection, f"{self.code} no, not {self.at}")
            return
        if self.what == "hang":
            self._ending.wait(60)
        if self.what == "drip":
            while not self._ending.wait(0.05):
                connection.sendall(b"2")
        # A reset, not a goodbye.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _Gone

    def _send(self, connection: socket.socket, line: str) -> None:
        connection.sendall(line.encode() + b"\r\n")


class _Gone(Exception):
    pass


def certificate(folder: Path, host: str = "localhost") -> Path:
    """A certificate for `host` with its key, signed by itself; whoever trusts this file trusts the server."""
    path, key = folder / f"{host}.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", path, "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(key.read_bytes() + path.read_bytes())
    return path

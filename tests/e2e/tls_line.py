"""Lines of TLS: to say anything in SIP on, and to lend to a SIPp that has no TLS."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
import uuid
import warnings
from pathlib import Path


class TlsLine:
    """One connection to `door` (host:port) from `address`, the certificate checked against `trusted`."""

    def __init__(self, door: str, address: str, trusted: Path, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        host, port = door.split(":")
        context = ssl.create_default_context(cafile=str(trusted))
        if newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the far end that refuses
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that is the point
            context.minimum_version, context.maximum_version = min(newest, ssl.TLSVersion.TLSv1_2), newest
        plain = socket.create_connection((host, int(port)), 5, source_address=(address, 0))
        self.socket = context.wrap_socket(plain, server_hostname=host)
        self.address = address
        self.version = self.socket.version()
        self.nonce = ""
        """Of the last challenge that came."""
        self._heard = b""

    def ask(self, method: str, uri: str, *fields: str, to_tag: str = "", body: str = "", seconds: float = 5) -> int:
        """Send a request; its final answer's code, 0 when none comes within `seconds`."""
        branch = self.say(method, uri, *fields, to_tag=to_tag, body=body)
        return self._answer(branch, seconds)

    def say(self, method: str, uri: str, *fields: str, to_tag: str = "", body: str = "") -> str:
        """Send a request and wait for nothing; its branch."""
        branch = f"z9hG4bK{uuid.uuid4().hex}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/TLS {self.address}:5061;branch={branch};rport",
            f"From: <sip:stranger@{self.address}>;tag=from{branch[-6:]}",
            f"To: <{uri}>{f';tag={to_tag}' if to_tag else ''}",
            f"Call-ID: {branch}@test",
            f"CSeq: 1 {method}",
            "Max-Forwards: 70",
            f"Contact: <sip:stranger@{self.address}:5061;transport=tls>",
            *fields,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return branch

    def _answer(self, branch: str, seconds: float) -> int:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                while b"\r\n\r\n" not in self._heard:
                    if not (got := self.socket.recv(65536)):
                        return 0
                    self._heard += got
            except TimeoutError:
                return 0
            answer, self._heard = self._heard.split(b"\r\n\r\n", 1)
            code = int(answer.split(b" ", 2)[1])
            if found := re.search(rb'WWW-Authenticate:[^\r]*nonce="([^"]+)"', answer):
                self.nonce = found[1].decode()
            if branch.encode() in answer and code >= 200:
                return code
        return 0

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class TlsRelay:
    """Lends TLS to a program that has none: what comes to `address` by TCP goes to `door` by TLS, and back."""

    def __init__(self, door: str, trusted: Path) -> None:
        self._door, self._trusted = door, trusted
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = TlsLine(self._door, "127.0.0.1", self._trusted).socket
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while got := source.recv(65536):
                sink.sendall(got)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Cut everything."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

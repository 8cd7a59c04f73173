"""A bare line of TLS to say anything in SIP on, from any address of this machine."""

from __future__ import annotations

import socket
import ssl
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
        self._socket = context.wrap_socket(plain, server_hostname=host)
        self.address = address
        self.version = self._socket.version()
        self._heard = b""

    def ask(self, method: str, uri: str, *fields: str, to_tag: str = "", body: str = "", seconds: float = 5) -> int:
        """Send a request; its final answer's code, 0 when none comes within `seconds`."""
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
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                while b"\r\n\r\n" not in self._heard:
                    if not (got := self._socket.recv(65536)):
                        return 0
                    self._heard += got
            except TimeoutError:
                return 0
            answer, self._heard = self._heard.split(b"\r\n\r\n", 1)
            code = int(answer.split(b" ", 2)[1])
            if branch.encode() in answer and code >= 200:
                return code
        return 0

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

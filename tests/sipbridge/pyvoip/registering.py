"""A telephone made of one socket that registers, and the directory of an office of two."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from sipbridge.events import Directory, PhoneSecret
from sipbridge.pyvoip.message import Message

from .conftest import Office, Phone

REALM = "desk"
SECRETS = {"anna": "geheim-anna", "boris": "geheim-boris"}
HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}


def hashed(user: str, secret: str) -> PhoneSecret:
    text = f"{user}:{REALM}:{secret}".encode()
    return PhoneSecret(hashlib.md5(text, usedforsecurity=False).hexdigest(), hashlib.sha256(text).hexdigest())


def directory(version: str = "1", **secrets: str) -> Directory:
    return Directory(version, REALM, {user: hashed(user, secret) for user, secret in (secrets or SECRETS).items()})


class Registering(Phone):
    """Registers `user`; remembers its challenge and counts its uses, unless told otherwise."""

    def __init__(self, office: Office, user: str = "anna", secret: str = "", ip: str = "127.0.0.1", port: int = 0):
        super().__init__(office, ip, port)
        self.user, self.secret = user, secret or SECRETS.get(user, "nothing")
        self.cseq = 0
        self.nonce = ""
        self.uses = 0

    def contact(self, more: str = "", expires: int | None = 120) -> str:
        seconds = "" if expires is None else f";expires={expires}"
        return f"Contact: <sip:{self.user}@{self.ip}:{self.port}{more}>{seconds}\r\n"

    def proof(self, algorithm: str = "SHA-256", method: str = "REGISTER", **wrong: str) -> str:
        """The Authorization header of a request; `wrong` replaces parameters before the response is made of them."""
        self.uses += 1
        parts = {
            "username": self.user,
            "realm": REALM,
            "nonce": self.nonce,
            "uri": "sip:desk@example.com",
            "nc": f"{self.uses:08x}",
            "cnonce": "c0ffee",
            "qop": "auth",
            **wrong,
        }

        def digest(text: str) -> str:
            return HASHES[algorithm](text.encode()).hexdigest()

        key = digest(f"{parts['username']}:{REALM}:{self.secret}")
        asked = digest(f"{method}:{parts['uri']}")
        mixed = f"{key}:{parts['nonce']}:{parts['nc']}:{parts['cnonce']}:{parts['qop']}:{asked}"
        parts = {"response": digest(mixed), "algorithm": algorithm, **parts}
        bare = ("nc", "qop", "algorithm")
        listed = ", ".join(f"{name}={value}" if name in bare else f'{name}="{value}"' for name, value in parts.items())
        return f"Authorization: Digest {listed}\r\n"

    def register_raw(self, headers: str, **parts: Any) -> Message:
        """One REGISTER with these headers only; the answer."""
        self.cseq += 1
        data = self.write("REGISTER", parts.pop("cseq", self.cseq), headers=headers, **{"to": self.aor, **parts})
        self.send_raw(re.sub(rb"Contact: <sip:anna@[0-9.:]+>\r\n", b"", data, count=1))
        return self.receive()

    @property
    def aor(self) -> str:
        return f"<sip:{self.user}@example.com>"

    def ask(self) -> Message:
        """Be challenged."""
        answer = self.register_raw("")
        assert answer.code == 401
        self.take(answer)
        return answer

    def take(self, challenge: Message) -> None:
        found = re.search(r'nonce="([^"]+)"', challenge.header("www-authenticate"))
        assert found
        self.nonce, self.uses = found[1], 0

    def register(self, contacts: str | None = None, algorithm: str = "SHA-256", **parts: Any) -> Message:
        """Register with a proof; the final answer, after a fresh challenge where one is needed."""
        if not self.nonce:
            self.ask()
        contacts = self.contact() if contacts is None else contacts
        answer = self.register_raw(contacts + self.proof(algorithm), **parts)
        if answer.code == 401 and "stale=true" in answer.header("www-authenticate"):
            self.take(answer)
            answer = self.register_raw(contacts + self.proof(algorithm), **parts)
        return answer

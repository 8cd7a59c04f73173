"""Digest authentication as a client (RFC 7616, RFC 8760): SHA-256 before MD5, never Basic."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

_PAIR = re.compile(r'([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]+)')
_HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
PREFERENCE = ("SHA-256", "MD5")


@dataclass(slots=True)
class Challenge:
    """One digest challenge and the count of its uses (the `nc` of RFC 7616 3.4)."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    with_qop: bool
    stale: bool
    uses: int = field(default=0)

    def authorization(self, user: str, password: str, method: str, uri: str) -> str:
        """The value of the (Proxy-)Authorization header for one request."""
        name = self.algorithm.upper()
        session = name.endswith("-SESS")
        hasher = _HASHES[name.removesuffix("-SESS")]

        def digest(text: str) -> str:
            return hasher(text.encode("utf-8", "surrogateescape")).hexdigest()

        self.uses += 1
        count, cnonce = f"{self.uses:08x}", secrets.token_hex(8)
        secret = digest(f"{user}:{self.realm}:{password}")
        if session:
            secret = digest(f"{secret}:{self.nonce}:{cnonce}")
        asked = digest(f"{method}:{uri}")
        between = f"{self.nonce}:{count}:{cnonce}:auth" if self.with_qop else self.nonce
        parts = [
            f"username={_quoted(user)}",
            f"realm={_quoted(self.realm)}",
            f"nonce={_quoted(self.nonce)}",
            f'uri="{uri}"',
            f'response="{digest(f"{secret}:{between}:{asked}")}"',
            f"algorithm={self.algorithm}",
        ]
        if self.with_qop:
            parts += ["qop=auth", f"nc={count}"]
        if self.with_qop or session:
            parts.append(f'cnonce="{cnonce}"')
        if self.opaque is not None:
            parts.append(f"opaque={_quoted(self.opaque)}")
        return "Digest " + ", ".join(parts)


def best(headers: Iterable[str]) -> Challenge | None:
    """The strongest challenge we can answer among WWW-Authenticate or Proxy-Authenticate values."""
    usable = [challenge for header in headers if (challenge := read(header))]
    if not usable:
        return None
    return min(usable, key=lambda c: PREFERENCE.index(c.algorithm.upper().removesuffix("-SESS")))


def read(header: str) -> Challenge | None:
    """One challenge; None for Basic, unknown algorithms, or quality of protection other than `auth`."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    pairs = pairs_of(rest)
    algorithm = pairs.get("algorithm", "MD5")
    if algorithm.upper().removesuffix("-SESS") not in _HASHES or "realm" not in pairs or "nonce" not in pairs:
        return None
    offered = [word.strip().lower() for word in pairs.get("qop", "").split(",") if word.strip()]
    if offered and "auth" not in offered:
        return None
    stale = pairs.get("stale", "").lower() == "true"
    return Challenge(pairs["realm"], pairs["nonce"], pairs.get("opaque"), algorithm, bool(offered), stale)


def pairs_of(text: str) -> dict[str, str]:
    """The parameters of a challenge or a proof, names in lower case, quotes undone."""
    return {name.lower(): _unquoted(value) for name, value in _PAIR.findall(text)}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

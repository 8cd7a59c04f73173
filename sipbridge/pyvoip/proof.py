"""Digest authentication as a server (RFC 7616, RFC 8760): SHA-256 and MD5, quality of protection `auth` only.

A nonce is bound to the address it was sent to. Who proves his secret with it has therefore received it there,
so that address is his and not one he only wrote into a datagram.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sipbridge.events import PhoneSecret
from sipbridge.pyvoip import wire
from sipbridge.pyvoip.digest import pairs_of
from sipbridge.pyvoip.message import Address, Message
from sipbridge.pyvoip.uri import BadAddress, Uri, parse_uri

NONCE_SECONDS = 300.0
MOST_NONCES = 4096
MOST_TELEPHONES = 4096
ALGORITHMS = ("SHA-256", "MD5")  # the better one first
MD5_ALONE = ("baresip v0.", "baresip v1.")  # User-Agents that give up at any other algorithm
LONGEST_PROOF = 2000  # characters
LONGEST_USER = 80  # more than any user of a directory has

_NONCE = re.compile(r"([0-9a-f]{1,12})\.([0-9a-f]{16})\.([0-9a-f]{32})")
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


class Verdict(enum.Enum):
    """What a proof is worth."""

    RIGHT = enum.auto()
    STALE = enum.auto()  # the secret is right, the nonce is old, used before, or somebody else's
    WRONG = enum.auto()


@dataclass(frozen=True, slots=True)
class Proof:
    """One Authorization value for our realm, read but not checked."""

    user: str
    algorithm: str
    nonce: str
    count: str
    cnonce: str
    uri: str
    response: str


def proof_in(request: Message, realm: str) -> Proof | None:
    """The proof for `realm` a request brings, None without one that we could check."""
    for value in request.fields.get("authorization", ())[:8]:
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() != "digest" or len(value) > LONGEST_PROOF:
            continue
        parts = pairs_of(rest)
        algorithm = parts.get("algorithm", "MD5").upper()
        if parts.get("realm") != realm or parts.get("qop", "").lower() != "auth" or algorithm not in ALGORITHMS:
            continue
        if not _COUNT.fullmatch(parts.get("nc", "")):
            continue
        names = ("username", "nonce", "cnonce", "uri", "response")
        if all(parts.get(name) for name in names):
            user, nonce, cnonce, uri, response = (parts[name] for name in names)
            return Proof(user[:LONGEST_USER], algorithm, nonce, parts["nc"], cnonce, uri, response.lower())
    return None


class Prover:
    """Makes challenges and judges proofs. Each count of a nonce is good once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = os.urandom(32)
        self._used: OrderedDict[str, tuple[float, int]] = OrderedDict()  # nonce: when issued, highest count
        self._floor = 0.0  # nonces issued up to then are stale: their counts may have been forgotten

    def challenges(
        self, realm: str, source: Address, algorithms: tuple[str, ...], *, stale: bool = False
    ) -> wire.Fields:
        """The WWW-Authenticate headers, one for each algorithm."""
        issued = f"{int(self._clock() * 1000):x}"
        chance = secrets.token_hex(8)
        nonce = f"{issued}.{chance}.{self._seal(issued, chance, source)}"
        again = ", stale=true" if stale else ""
        return tuple(
            ("WWW-Authenticate", f'Digest realm="{realm}", nonce="{nonce}", algorithm={name}, qop="auth"{again}')
            for name in algorithms
        )

    def issued(self, nonce: str, source: Address) -> bool:
        """Whether this nonce was ours for that address, however old: whoever brings it has received it there."""
        match = _NONCE.fullmatch(nonce)
        return match is not None and hmac.compare_digest(match[3], self._seal(match[1], match[2], source))

    def judge(self, proof: Proof, request: Message, secret: PhoneSecret | None) -> Verdict:
        """What `proof` is worth for `request`; no secret stands for an unknown user and takes the same time."""
        known = secret or PhoneSecret("0" * 32, "0" * 64)
        hasher, key = (hashlib.sha256, known.sha256) if proof.algorithm == "SHA-256" else (hashlib.md5, known.md5)

        def digest(text: str) -> str:
            return hasher(text.encode("utf-8", "surrogateescape")).hexdigest()

        asked = digest(f"{request.method}:{proof.uri}")
        right = digest(f"{key}:{proof.nonce}:{proof.count}:{proof.cnonce}:auth:{asked}")
        same = hmac.compare_digest(right.encode(), proof.response.encode("utf-8", "surrogateescape"))
        if not same or secret is None or not _names(proof.uri, request.request_uri):
            return Verdict.WRONG
        return Verdict.RIGHT if self._take(proof, request.source) else Verdict.STALE

    def _take(self, proof: Proof, source: Address) -> bool:
        """Use up this count of the nonce; False when nonce or count are not good any more."""
        if not self.issued(proof.nonce, source):
            return False
        issued, count = int(proof.nonce.partition(".")[0], 16) / 1000, int(proof.count, 16)
        if not self._floor < issued or self._clock() - issued > NONCE_SECONDS:
            return False
        if count <= self._used.get(proof.nonce, (0.0, 0))[1]:
            return False
        self._used[proof.nonce] = (issued, count)
        while len(self._used) > MOST_NONCES or self._clock() - next(iter(self._used.values()))[0] > NONCE_SECONDS:
            self._floor = max(self._floor, self._used.popitem(last=False)[1][0])
        return True

    def _seal(self, issued: str, chance: str, source: Address) -> str:
        text = f"{issued}.{chance}.{source[0]}.{source[1]}"
        return hashlib.blake2s(text.encode(), key=self._key, digest_size=16).hexdigest()


class Offers:
    """Which algorithms a telephone is challenged with.

    RFC 8760 has telephones pass over challenges they don't know. Some give up instead and try the same again a
    minute later, so who comes a second time without a proof is offered MD5 alone from then on.
    """

    def __init__(self) -> None:
        self._asked: OrderedDict[tuple[Address, str, str], tuple[str, int] | None] = OrderedDict()  # None: MD5 alone

    def to(self, request: Message) -> tuple[str, ...]:
        """The algorithms for the challenge of this request, which brings no proof."""
        telephone, asked = _telephone(request), (request.call_id, request.cseq)
        again = self._asked.get(telephone, asked) != asked
        self._asked[telephone] = None if again else asked
        self._asked.move_to_end(telephone)
        if len(self._asked) > MOST_TELEPHONES:
            self._asked.popitem(last=False)
        return ("MD5",) if again or request.header("user-agent").startswith(MD5_ALONE) else ALGORITHMS

    def proved(self, request: Message) -> None:
        """The telephone could answer a challenge; one that was offered both may be so again."""
        if self._asked.get(_telephone(request)) is not None:
            del self._asked[_telephone(request)]


def _telephone(request: Message) -> tuple[Address, str, str]:
    return request.source, request.to.uri.number[:64], request.header("user-agent")[:64]


def _names(text: str, uri: Uri) -> bool:
    """Whether the proof was made for this Request-URI: whom it calls, where. Its parameters may have been rewritten."""
    try:
        proven = parse_uri(text)
    except BadAddress:
        return False
    return _meant(proven) == _meant(uri)


def _meant(uri: Uri) -> tuple[str, str, str, int]:
    return uri.scheme, uri.number, uri.host.lower(), uri.port or 5060

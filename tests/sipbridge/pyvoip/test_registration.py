"""Registration at a PBX played by a plain socket: every refusal is survived, nothing is flooded."""

from __future__ import annotations

import hashlib
import itertools
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sipbridge.pyvoip import Account
from sipbridge.pyvoip.message import Address, Message, NotSip
from sipbridge.pyvoip.registration import Budget

from .conftest import INSTANCE, Office, until

MakeOffice = Callable[..., Office]
Answer = Callable[[Message], list[bytes]]


class Registrar:
    """A PBX: what it answers is a function, which a test may change; every REGISTER is noted with its time."""

    def __init__(self, port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port: int = self.socket.getsockname()[1]
        self.clock: Callable[[], float] = time.monotonic
        self.got: list[tuple[float, Message]] = []
        self.answer: Answer = self.accept
        self.open = True
        threading.Thread(target=self._serve, daemon=True).start()

    def account(self, line: str = "desk") -> Account:
        return Account(line=line, user="1000", password="geheim", host="127.0.0.1", port=self.port)

    def _serve(self) -> None:
        while self.open:
            data, source = self.socket.recvfrom(65535)
            try:
                message = Message(data, source)
            except NotSip:
                continue
            if message.is_request and message.method == "REGISTER":
                self.got.append((self.clock(), message))
                for reply in self.answer(message):
                    self.socket.sendto(reply, source)

    def close(self) -> None:
        self.open = False
        self.socket.sendto(b"SIP/2.0 bye", ("127.0.0.1", self.port))
        self.socket.close()

    def accept(self, request: Message, expires: int = 120) -> list[bytes]:
        contact = request.values("contact")[0]
        return [reply(request, 200, f"Contact: {contact};expires={expires}\r\n")]


def reply(request: Message, code: int, headers: str = "", phrase: str = "x") -> bytes:
    return (
        f"SIP/2.0 {code} {phrase}\r\nVia: {request.header('via')}\r\nFrom: {request.header('from')}\r\n"
        f"To: {request.header('to')};tag=r\r\nCall-ID: {request.call_id}\r\nCSeq: {request.header('cseq')}\r\n"
        f"{headers}Content-Length: 0\r\n\r\n"
    ).encode()


def proves(request: Message, algorithm: str, nonce: str, header: str = "authorization") -> dict[str, str] | None:
    """The parameters of a right proof for `geheim`, None when there is no proof or a wrong one."""
    proof = dict(re.findall(r'(\w+)="?([^",]+)', request.header(header)))
    name = {"SHA-256": "sha256", "MD5": "md5"}[algorithm]

    def digest(text: str) -> str:
        return hashlib.new(name, text.encode()).hexdigest()

    if proof.get("nonce") != nonce or proof.get("algorithm") != algorithm:
        return None
    parts = [digest("1000:pbx:geheim"), nonce, proof["nc"], proof["cnonce"], "auth"]
    right = digest(":".join([*parts, digest(f"REGISTER:{request.uri}")]))
    return proof if proof["response"] == right else None


def challenge(request: Message, nonce: str, code: int = 401, algorithm: str = "SHA-256", extra: str = "") -> bytes:
    name = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
    parts = f'realm="pbx", nonce="{nonce}", qop="auth", algorithm={algorithm}{extra}'
    return reply(request, code, f"{name}: Digest {parts}\r\n")


@pytest.fixture
def registrar() -> Any:
    registrar = Registrar()
    yield registrar
    registrar.close()


@pytest.fixture
def join(make_office: MakeOffice, registrar: Registrar) -> Callable[..., Office]:
    def join(**settings: Any) -> Office:
        office = make_office(**{"accounts": (registrar.account(),), **settings})
        registrar.clock = office.clock
        return office

    return join


def state(office: Office) -> tuple[bool, str]:
    return office.lines[-1][1:] if office.lines else (False, "")


def test_a_line_comes_up_with_our_fixed_instance(join: Callable[..., Office], registrar: Registrar) -> None:
    office = join()
    until(lambda: office.lines == [("desk", True, "registered")])
    request = registrar.got[0][1]
    assert f'+sip.instance="<urn:uuid:{INSTANCE}>"' in request.header("contact")
    assert "1000@127.0.0.1" in request.header("contact") and request.number("expires", 9999) == 120


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("code", [401, 407])
def test_digest(join: Callable[..., Office], registrar: Registrar, algorithm: str, code: int) -> None:
    header = "authorization" if code == 401 else "proxy-authorization"
    proofs = []

    def answer(request: Message) -> list[bytes]:
        if proof := proves(request, algorithm, "n1", header):
            proofs.append(proof)
            return registrar.accept(request)
        return [challenge(request, "n1", code, algorithm)]

    registrar.answer = answer
    office = join()
    until(lambda: state(office)[0])
    office.pass_time(26)
    counts = until(lambda: {proof["nc"] for proof in proofs} >= {"00000001", "00000002"} and proofs)
    assert counts[0]["nc"] == "00000001", "the nonce is used again, and counted"


def test_a_stale_nonce_is_renewed(join: Callable[..., Office], registrar: Registrar) -> None:
    nonces = iter(["n1", "n2", "n3"])
    current = [next(nonces)]

    def answer(request: Message) -> list[bytes]:
        if proves(request, "SHA-256", current[0]):
            return registrar.accept(request)
        return [challenge(request, current[0], extra=", stale=true")]

    registrar.answer = answer
    office = join()
    until(lambda: state(office)[0])
    current[0] = next(nonces)
    office.pass_time(26)
    until(lambda: len(registrar.got) == 4)
    assert office.lines == [("desk", True, "registered")]


def test_a_wrong_password_is_told_and_tried_slowly(join: Callable[..., Office], registrar: Registrar) -> None:
    registrar.answer = lambda request: [challenge(request, f"n{len(registrar.got)}")]
    office = join()
    until(lambda: state(office)[1].startswith("401"))
    assert len(registrar.got) == 2
    office.pass_time(120)
    assert 6 <= len(registrar.got) <= 24
    assert not state(office)[0]


def test_basic_is_never_answered(join: Callable[..., Office], registrar: Registrar) -> None:
    registrar.answer = lambda request: [reply(request, 401, 'WWW-Authenticate: Basic realm="pbx"\r\n')]
    office = join()
    until(lambda: state(office)[1].startswith("401"))
    assert not any(request.header("authorization") for _, request in registrar.got)


def test_a_longer_interval_is_taken(join: Callable[..., Office], registrar: Registrar) -> None:
    def answer(request: Message) -> list[bytes]:
        if (request.number("expires", 99999) or 0) < 1800:
            return [reply(request, 423, "Min-Expires: 1800\r\n")]
        return registrar.accept(request, 1800)

    registrar.answer = answer
    office = join()
    until(lambda: state(office)[0])
    assert registrar.got[-1][1].number("expires", 99999) == 1800


def test_a_redirection_is_followed(join: Callable[..., Office], registrar: Registrar) -> None:
    other = Registrar()
    registrar.answer = lambda request: [reply(request, 302, f"Contact: <sip:127.0.0.1:{other.port}>\r\n")]
    office = join()
    until(lambda: state(office)[0])
    assert other.got
    other.close()


@pytest.mark.parametrize("granted", [4, 30, 3600])
def test_granted_time_is_honoured(join: Callable[..., Office], registrar: Registrar, granted: int) -> None:
    registrar.answer = lambda request: registrar.accept(request, granted)
    office = join()
    until(lambda: state(office)[0])
    office.pass_time(60)
    times = [at for at, _ in registrar.got]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps and max(gaps) <= max(granted * 0.8, 2.5) and max(gaps) < 35


@pytest.mark.parametrize("code", [403, 404, 480, 500, 503, 600])
def test_a_refusal_never_ends_it(join: Callable[..., Office], registrar: Registrar, code: int) -> None:
    registrar.answer = lambda request: [reply(request, code)]
    office = join()
    until(lambda: state(office)[1].startswith(str(code)))
    office.pass_time(150)
    assert len(registrar.got) >= 5
    registrar.answer = registrar.accept
    office.pass_time(35)
    until(lambda: state(office)[0])


def test_retry_after_is_honoured(join: Callable[..., Office], registrar: Registrar) -> None:
    registrar.answer = lambda request: [reply(request, 503, "Retry-After: 50 (maintenance)\r\n")]
    office = join()
    until(lambda: state(office)[1].startswith("503"))
    office.pass_time(48)
    assert len(registrar.got) == 1
    office.pass_time(4)
    until(lambda: len(registrar.got) > 1)


def test_silence_garbage_and_answers_to_others(join: Callable[..., Office], registrar: Registrar) -> None:
    registrar.answer = lambda request: [
        b"\0\1\2",
        b"SIP/2.0 200 OK\r\n\r\n",
        registrar.accept(request)[0].replace(b"branch=z9hG4bK", b"branch=z9hG4bKx"),
        b"",
    ]
    office = join()
    office.pass_time(20)
    assert not state(office)[0]
    registrar.answer = lambda request: []
    office.pass_time(90)
    registrar.answer = registrar.accept
    office.pass_time(35)
    until(lambda: state(office)[0])


def test_a_pbx_that_goes_away_and_comes_back(join: Callable[..., Office], registrar: Registrar) -> None:
    office = join()
    until(lambda: state(office)[0])
    registrar.answer = lambda request: []
    office.pass_time(40)
    assert state(office) == (False, "no answer")
    office.pass_time(600)
    registrar.answer = registrar.accept
    office.pass_time(35)
    until(lambda: state(office)[0])


@pytest.mark.parametrize("lines", [1, 3])
def test_never_more_than_six_in_ten_seconds(join: Callable[..., Office], registrar: Registrar, lines: int) -> None:
    moods: list[Answer] = [
        lambda request: [],
        lambda request: [challenge(request, f"n{len(registrar.got)}", extra=", stale=true")],
        lambda request: [reply(request, 423, f"Min-Expires: {200 + len(registrar.got)}\r\n")],
        lambda request: [reply(request, 500)],
        lambda request: registrar.accept(request, 1),
        lambda request: [reply(request, 302, f"Contact: <sip:127.0.0.1:{registrar.port}>\r\n")],
    ]
    office = join(accounts=tuple(registrar.account(f"line{n}") for n in range(lines)))
    times: list[float] = []
    send = office.endpoint.sip.send

    def noting(data: bytes, destination: Address) -> None:
        if data.startswith(b"REGISTER"):
            times.append(office.clock())
        send(data, destination)

    office.endpoint.sip.send = noting  # type: ignore[method-assign]
    for mood in moods:
        registrar.answer = mood
        office.pass_time(45)
    assert len(times) > 30
    assert all(later - earlier >= 10 for earlier, later in zip(times, times[6:], strict=False))


def test_the_binding_is_taken_back_at_the_end(join: Callable[..., Office], registrar: Registrar) -> None:
    def answer(request: Message) -> list[bytes]:
        if proves(request, "SHA-256", "n1"):
            return registrar.accept(request)
        return [challenge(request, "n1")]

    registrar.answer = answer
    office = join()
    until(lambda: state(office)[0])
    office.endpoint.stop()
    until(lambda: registrar.got[-1][1].header("expires") == "0")
    assert proves(registrar.got[-1][1], "SHA-256", "n1")


def test_calls_to_the_registered_contact_are_on_its_line(
    join: Callable[..., Office], registrar: Registrar, make_phone: Callable[..., Any]
) -> None:
    office = join()
    until(lambda: state(office)[0])
    phone = make_phone(office)
    phone.invite(uri="sip:1000@127.0.0.1")
    assert office.call().line == "desk"


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(Account(line="a", user="b", password="geheim", host="c", port=1))


def test_the_budget() -> None:
    now = [0.0]
    budget = Budget(lambda: now[0], limit=2, window=10)
    assert budget.take() and budget.take() and not budget.take()
    now[0] = 10.0
    assert budget.take()

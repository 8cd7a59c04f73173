"""A PBX that misbehaves in every way: never flooded, never given up, found again when it comes to its senses."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sipbridge.events import LineChanged
from sipbridge.pyvoip import Account
from sipbridge.pyvoip.message import Address, Message
from tests.sipbridge import office as processes
from tests.sipbridge.standin import Desk, wait_for

from .conftest import Office, until
from .test_registration import Answer, MakeOffice, Registrar, challenge, reply

Mood = Callable[[Registrar], Answer]
count = itertools.count()


def always(code: int, headers: str = "") -> Mood:
    return lambda pbx: lambda request: [reply(request, code, headers)]


def grants(expires: str, contact: bool = True) -> Mood:
    def answer(request: Message) -> list[bytes]:
        where = f"Contact: {request.values('contact')[0]};expires={expires}\r\n" if contact else ""
        return [reply(request, 200, f"{where}Expires: {expires}\r\n")]

    return lambda pbx: answer


def asks(code: int, extra: str = "", algorithm: str = "SHA-256") -> Mood:
    """Challenges for ever, each time with a fresh nonce."""
    return lambda pbx: lambda request: [challenge(request, f"n{next(count)}", code, algorithm, extra)]


def distorts(old: str, new: str) -> Mood:
    """Would accept, but for a line that makes it the answer to something else."""

    def mood(pbx: Registrar) -> Answer:
        def answer(request: Message) -> list[bytes]:
            [good] = pbx.accept(request)
            bad = good.replace(old.encode(), new.encode())
            assert bad != good
            return [bad]

        return answer

    return mood


def redirects(uri: str) -> Mood:
    """`{own}` is the PBX's own port, `{n}` a number that grows."""
    return lambda pbx: (
        lambda request: [reply(request, 302, f"Contact: <{uri.format(own=pbx.port, n=next(count) % 200)}>\r\n")]
    )


def shouts(pbx: Registrar) -> Answer:
    """Everything it knows, fifty times, to every REGISTER."""

    def answer(request: Message) -> list[bytes]:
        one = [reply(request, code) for code in (100, 183, 500, 401, 423, 302, 603)]
        return [*one, challenge(request, f"n{next(count)}"), b"\0\1\2", b"SIP/2.0 200 OK\r\n\r\n"] * 50

    return answer


MOODS: dict[str, Mood] = {
    "401 loop": asks(401),
    "401 loop, stale": asks(401, ", stale=true"),
    "401 loop, one nonce": lambda pbx: lambda request: [challenge(request, "n1")],
    "401 loop, stale, one nonce": lambda pbx: lambda request: [challenge(request, "n1", extra=", stale=true")],
    "401 loop, MD5": asks(401, algorithm="MD5"),
    "401 without a challenge": always(401),
    "401 with nonsense": always(401, 'WWW-Authenticate: Digest realm="x", nonce=, qop="auth-int", =,,"\r\n'),
    "401 with 50 challenges": always(401, 'WWW-Authenticate: Digest realm="x", nonce="y", algorithm=SHA-9\r\n' * 50),
    "407 loop": asks(407),
    "407 loop, stale": asks(407, ", stale=true"),
    "403": always(403),
    "423 without Min-Expires": always(423),
    "423 grows": lambda pbx: lambda request: [reply(request, 423, f"Min-Expires: {200 + next(count)}\r\n")],
    "423 huge": always(423, "Min-Expires: 99999999999999999999\r\n"),
    "423 small": always(423, "Min-Expires: 1\r\n"),
    "302 to itself": redirects("sip:127.0.0.1:{own}"),
    "302 to nobody": redirects("sip:127.0.0.1:9"),
    "302 round the world": redirects("sip:127.0.0.{n}:9"),
    "302 to no SIP address": redirects("tel:+74951234567"),
    "302 to nonsense": redirects("sip:[::1"),
    "302 to a port that is none": redirects("sip:127.0.0.1:99999"),
    "302 to everybody": redirects("sip:255.255.255.255"),
    "302 without Contact": always(302),
    "500": always(500),
    "503": always(503),
    "503, at once": always(503, "Retry-After: 0\r\n"),
    "503, nonsense": always(503, "Retry-After: soon\r\n"),
    "600": always(600),
    "699": always(699),
    "silence": lambda pbx: lambda request: [],
    "trying for ever": always(100),
    "Expires 0": grants("0"),
    "Expires tiny": grants("1"),
    "Expires huge": grants("99999999999999999999"),
    "Expires negative": grants("-1"),
    "no binding of ours": lambda pbx: (
        lambda request: [reply(request, 200, "Contact: <sip:other@192.0.2.1>;expires=60\r\nExpires: 0\r\n")]
    ),
    "another Call-ID": distorts("Call-ID: ", "Call-ID: other"),
    "another CSeq": distorts("CSeq: ", "CSeq: 1"),
    "another branch": distorts("branch=z9hG4bK", "branch=z9hG4bKother"),
    "another method": distorts(" REGISTER", " INVITE"),
    "two Vias": distorts("Via: ", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx, "),
    "garbage": lambda pbx: lambda request: [b"\0\1\2", b"SIP/2.0 200 OK\r\n\r\n", b"", b"\xff" * 1400, b"SIP/2.0 200"],
    "shouts": shouts,
}
ACCEPTS = {"Expires tiny", "Expires huge", "Expires negative"}


@pytest.fixture
def registrar() -> Iterator[Registrar]:
    registrar = Registrar()
    yield registrar
    registrar.close()


def watched(office: Office) -> list[float]:
    """The times of the REGISTERs as they leave; the office was just made."""
    times: list[float] = []
    send = office.endpoint.sip.send

    def noting(data: bytes, destination: Address, *more: Any) -> None:
        if data.startswith(b"REGISTER"):
            times.append(office.clock())
        send(data, destination, *more)

    office.endpoint.sip.send = noting  # type: ignore[method-assign]
    return times


def all_registered(office: Office) -> bool:
    """By the last word about each line."""
    states = {line: registered for line, registered, _ in office.lines}
    return bool(states) and all(states.values())


def most_in_ten_seconds(times: list[float]) -> int:
    return max(sum(begin <= at < begin + 10 for at in times) for begin in times)


SEVERAL_LINES = ("401 loop, stale", "silence", "500", "Expires tiny", "302 to itself")


@pytest.mark.parametrize("mood", SEVERAL_LINES)
def test_a_mood_with_three_lines(make_office: MakeOffice, registrar: Registrar, mood: str) -> None:
    suffer(make_office, registrar, mood, 3)


@pytest.mark.soak
@pytest.mark.parametrize("mood", MOODS)
def test_a_mood(make_office: MakeOffice, registrar: Registrar, mood: str) -> None:
    suffer(make_office, registrar, mood, 1)


def suffer(make_office: MakeOffice, registrar: Registrar, mood: str, lines: int) -> None:
    registrar.answer = MOODS[mood](registrar)
    office = make_office(accounts=tuple(registrar.account(f"line{n}") for n in range(lines)))
    times = watched(office)
    registrar.clock = office.clock
    office.pass_time(75)
    assert len(times) >= 2, "it never gives up"
    assert most_in_ten_seconds(times) <= 6
    if mood not in ACCEPTS:
        assert not any(registered for _, registered, _ in office.lines)
    registrar.answer = registrar.accept  # it comes to its senses
    before = office.clock()
    while not all_registered(office) and office.clock() - before < 35:
        office.pass_time(0.5)
    until(lambda: all_registered(office), 1)
    office.pass_time(30)
    assert all_registered(office)
    assert most_in_ten_seconds(times) <= 6


def test_every_mood_in_turn(make_office: MakeOffice, registrar: Registrar) -> None:
    """All moods one after the other over one registration, whose state each of them leaves to the next."""
    office = make_office(accounts=(registrar.account(),))
    times = watched(office)
    registrar.clock = office.clock
    for mood in MOODS.values():
        registrar.answer = mood(registrar)
        office.pass_time(20)
        registrar.answer = registrar.accept
        office.pass_time(35)
        until(lambda: all_registered(office), 1)
    assert most_in_ten_seconds(times) <= 6


@processes.needs_sipp
@pytest.mark.e2e
def test_a_real_bridge_finds_a_real_pbx_again(tmp_path: Path) -> None:
    """In real time: the PBX vanishes, port and all, and is back some seconds later."""
    pbx = Registrar()
    pbx.answer = lambda request: pbx.accept(request, 4)
    desk = Desk().start()
    office = processes.Office(tmp_path, desk.port)
    try:
        office.bridge(ACCOUNTS=f"desk=1000:geheim@127.0.0.1:{pbx.port}")
        told = lambda: [event.registered for event in desk.of(LineChanged)]  # noqa: E731
        wait_for(lambda: told() == [True], 5, "the line")
        port, moments = pbx.port, [at for at, _ in pbx.got]
        pbx.close()
        wait_for(lambda: told() == [True, False], 15, "the desk to hear of it")
        again = Registrar(port)
        again.answer = lambda request: again.accept(request, 4)
        began = time.monotonic()
        wait_for(lambda: told() == [True, False, True], 35, "the line to be back")
        assert time.monotonic() - began < 35
        moments += [at for at, _ in again.got]
        assert most_in_ten_seconds(moments) <= 6
        again.close()
    finally:
        office.close()
        desk.stop()


def test_a_name_that_is_never_found(make_office: MakeOffice) -> None:
    office = make_office(accounts=(Account("desk", "1000", "geheim", "nobody.invalid", 5060),))
    until(lambda: office.lines, 20)
    assert office.lines[0][1:] == (False, "the registrar's name is unknown")
    times = watched(office)
    office.pass_time(60)
    assert not times

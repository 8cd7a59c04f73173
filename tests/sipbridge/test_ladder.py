from __future__ import annotations

import json
import re
import stat
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipbridge import ladder as ladders
from sipbridge.ladder import Ladder, harmless, readable
from tests.sipbridge.standin import wait_for

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAR = ("10.0.0.9", 5060)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A ladder, its clock, and short ways to feed and read it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.at = folder, Clock(), NINE
        self.ladder = Ladder(folder, settle=0.0, clock=self.clock)

    def note(
        self, start: str, call: str = "abc", *, sent: bool = False, more: str = "", cseq: str = "1 INVITE"
    ) -> None:
        self.at += timedelta(milliseconds=250)
        text = f"{start}\r\nVia: SIP/2.0/UDP 10.0.0.9\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\n{more}\r\n"
        self.ladder.note(self.at, sent, FAR, text.encode("utf-8", "surrogateescape"))

    def kept(self, *legs: tuple[str, str], call_id: str = "0a1b") -> list[dict[str, Any]]:
        self.ladder.keep(call_id, NINE, list(legs))
        self.ladder.close()
        path = self.folder / "2026-03-02" / f"{call_id}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    @property
    def calls(self) -> set[str]:
        return {*self.ladder._open, *self.ladder._ended}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "ladders")
    yield bench
    bench.ladder.close()


def test_the_messages_of_all_legs_in_their_order_with_names(bench: Bench) -> None:
    bench.note("INVITE sip:desk@x SIP/2.0")
    bench.note("SIP/2.0 180 Ringing", sent=True)
    bench.note("INVITE sip:anna@x SIP/2.0", "def", sent=True)
    bench.note("SIP/2.0 200 OK", "def")
    bench.note("BYE sip:desk@x SIP/2.0", cseq="2 BYE")
    steps = bench.kept(("caller", "abc"), ("anna", "def"))
    assert [(s["ms"], s["from"], s["to"], s["first_line"], s["call"]) for s in steps] == [
        (0, "caller", "desk", "INVITE sip:desk@x SIP/2.0", "abc"),
        (250, "desk", "caller", "SIP/2.0 180 Ringing", "abc"),
        (500, "desk", "anna", "INVITE sip:anna@x SIP/2.0", "def"),
        (750, "anna", "desk", "SIP/2.0 200 OK", "def"),
        (1000, "caller", "desk", "BYE sip:desk@x SIP/2.0", "abc"),
    ]
    first = steps[0]
    assert set(first) == {"at", "ms", "from", "to", "address", "first_line", "text", "call", "left_out"}
    assert datetime.fromisoformat(first["at"]) == NINE + timedelta(milliseconds=250)
    assert first["text"].splitlines()[1:] == ["Via: SIP/2.0/UDP 10.0.0.9", "Call-ID: abc", "CSeq: 1 INVITE"]
    assert first["address"] == "10.0.0.9:5060" and first["left_out"] == 0
    path = bench.folder / "2026-03-02" / "0a1b.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(list(path.parent.iterdir())) == 1
    assert not bench.calls


def test_a_clock_that_was_moved_does_not_turn_the_order(bench: Bench) -> None:
    bench.note("INVITE sip:desk@x SIP/2.0")
    bench.at -= timedelta(hours=1)
    bench.note("SIP/2.0 180 Ringing", sent=True)
    assert [step["ms"] for step in bench.kept(("caller", "abc"))] == [0, 250 - 3_600_000]


@pytest.mark.parametrize("header", ["Call-ID: abc", "i:abc", "CALL-id \t: abc ", "Call-ID:\r\n abc"])
def test_every_spelling_of_the_call_id(bench: Bench, header: str) -> None:
    bench.ladder.note(NINE, False, FAR, f"\r\nINVITE sip:x SIP/2.0\r\nVia: y\r\n{header}\r\n\r\n".encode())
    assert bench.calls == {"abc"}


def test_what_belongs_to_no_call_is_not_remembered(bench: Bench) -> None:
    for start in ("OPTIONS sip:x SIP/2.0", "REGISTER sip:x SIP/2.0", "SIP/2.0 200 OK", "BYE sip:x SIP/2.0"):
        bench.note(start)
    bench.ladder.note(NINE, False, FAR, b"INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n")
    bench.ladder.note(NINE, False, FAR, b"")
    assert not bench.calls
    assert bench.kept(("caller", "abc")) == []
    assert not bench.folder.exists()


def test_what_proves_an_identity_or_opens_media_is_removed(bench: Bench) -> None:
    more = (
        'Authorization: Digest username="anna", response="SECRET1"\r\n'
        'PROXY-authorization : Digest\r\n response="SECRET2",\r\n\tcnonce="SECRET3"\r\n'
        'WWW-Authenticate: Digest nonce="SECRET4"\r\nProxy-Authenticate: Digest nonce="SECRET5"\r\n'
        'Authentication-Info: rspauth="SECRET6"\r\nProxy-Authentication-Info: x="SECRET6"\r\n'
        "From: <sip:anna:SECRET7@example.com>\r\nTo: <sip:desk@example.com:5060;x=y>\r\n"
        "Contact: <sip:anna@[2001:db8::1]:5060>\r\nX-Authorization: kept\r\n\r\n"
        "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET8\r\na=key-mgmt:mikey SECRET9\r\nk=clear:SECRET10\r\n"
        "a=rtpmap:0 PCMU/8000\r\n"
    )
    bench.note("INVITE sip:desk@x SIP/2.0", more=more)
    (step,) = bench.kept(("caller", "abc"))
    assert "SECRET" not in json.dumps(step)
    assert step["text"].splitlines() == [
        "INVITE sip:desk@x SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.9",
        "Call-ID: abc",
        "CSeq: 1 INVITE",
        "Authorization: (removed)",
        "PROXY-authorization : (removed)",
        "WWW-Authenticate: (removed)",
        "Proxy-Authenticate: (removed)",
        "Authentication-Info: (removed)",
        "Proxy-Authentication-Info: (removed)",
        "From: <sip:anna:(removed)@example.com>",
        "To: <sip:desk@example.com:5060;x=y>",
        "Contact: <sip:anna@[2001:db8::1]:5060>",
        "X-Authorization: kept",
        "",
        "v=0",
        "a=crypto: (removed)",
        "a=key-mgmt: (removed)",
        "k= (removed)",
        "a=rtpmap:0 PCMU/8000",
    ]


def test_other_line_ends_hide_no_proof() -> None:
    assert "SECRET" not in readable(
        b"INVITE x\nAuthorization: SECRET\rProxy-Authorization: SECRET\n SECRET\n\r\nk=SECRET"
    )


def test_nothing_in_a_ladder_acts(bench: Bench) -> None:
    bench.note("INVITE sip:x SIP/2.0", more="Subject: \udcff\udcfe <b>\u202egnp\x07\x1b[31m\u2028 Имя\r\n")
    (step,) = bench.kept(("caller\u202e", "abc"))
    assert r"Subject: \xff\xfe <b>\u202egnp\x07\x1b[31m\u2028 Имя" in step["text"]
    assert step["from"] == r"caller\u202e"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_become_harmless_text(data: bytes) -> None:
    text = readable(data)
    assert json.loads(json.dumps(text).encode()) == text
    text.encode()
    assert all(char.isprintable() or char in "\t\n" for char in text)
    assert harmless("plain") == "plain"


# Bounds


def test_a_leg_keeps_its_beginning_and_its_end(bench: Bench) -> None:
    bench.note("INVITE sip:x SIP/2.0")
    for number in range(1000):
        bench.note(f"INFO sip:{number} SIP/2.0", cseq=f"{number} INFO")
    steps = bench.kept(("caller", "abc"))
    assert len(steps) == 200
    assert steps[1]["first_line"] == "INFO sip:0 SIP/2.0" and steps[-1]["first_line"] == "INFO sip:999 SIP/2.0"
    assert [step["left_out"] for step in steps if step["left_out"]] == [801] and steps[100]["left_out"] == 801


def test_a_message_is_cut_at_four_kilobytes(bench: Bench) -> None:
    bench.note("INVITE sip:x SIP/2.0", more="X: " + "y" * 60_000)
    (step,) = bench.kept(("caller", "abc"))
    assert 4000 < len(step["text"]) <= 4096


def test_a_flood_costs_bounded_memory_and_no_talk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladders, "MOST_MEMORY", 100_000)
    bench.note("INVITE sip:x SIP/2.0", "talk")
    bench.note("SIP/2.0 200 OK", "talk", sent=True)
    for number in range(2000):
        bench.note("INVITE sip:x SIP/2.0", f"flood-{number}")
        bench.note("SIP/2.0 503 Service Unavailable", f"flood-{number}", sent=True)
        assert bench.ladder._size <= 100_000
    assert "talk" in bench.calls and "flood-0" not in bench.calls and "flood-1999" in bench.calls
    assert bench.ladder._size == sum(leg.size for leg in [*bench.ladder._open.values(), *bench.ladder._ended.values()])
    for number in range(2000):
        bench.note("INVITE sip:x SIP/2.0", f"open-{number}")
    assert "talk" not in bench.calls and bench.ladder._size <= 100_000


def test_calls_nobody_asks_for_are_forgotten(bench: Bench) -> None:
    for call, end in (("bye", "BYE sip:x SIP/2.0"), ("cancel", "CANCEL sip:x SIP/2.0"), ("busy", "SIP/2.0 486 Busy")):
        bench.note("INVITE sip:x SIP/2.0", call)
        bench.note(end, call)
    for call in ("talk", "proof", "other"):
        bench.note("INVITE sip:x SIP/2.0", call)
    bench.note("SIP/2.0 401 Unauthorized", "proof", sent=True)
    bench.note("INVITE sip:x SIP/2.0", "proof", cseq="2 INVITE")
    bench.note("SIP/2.0 200 OK", "talk", sent=True)
    bench.note("SIP/2.0 488 Not Acceptable Here", "talk", sent=True, cseq="3 INVITE")  # a re-INVITE
    bench.note("SIP/2.0 405 Method Not Allowed", "talk", sent=True, cseq="4 INFO")
    bench.clock.now += 15 * 60 + 1
    bench.note("INVITE sip:x SIP/2.0", "next")
    assert bench.calls == {"talk", "proof", "other", "next"}
    bench.clock.now += 4 * 3600 + 1
    bench.note("INVITE sip:x SIP/2.0", "last")
    assert bench.calls == {"last"}


def test_noting_from_many_threads(bench: Bench) -> None:
    bench.note("INVITE sip:x SIP/2.0")

    def talk() -> None:
        for number in range(300):
            bench.ladder.note(NINE, True, FAR, b"INFO sip:x SIP/2.0\r\nCall-ID: abc\r\n\r\n")
            bench.ladder.note(NINE, True, FAR, b"INVITE sip:x SIP/2.0\r\nCall-ID: other-%d\r\n\r\n" % number)

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.ladder._open["abc"].count == 1201
    assert bench.ladder._size == sum(leg.size for leg in bench.ladder._open.values())


# Files


@pytest.mark.parametrize("call_id", ["../evil", "a/b", "", ".hidden", "a" * 200, "a\0b", "a\nb"])
def test_a_call_id_that_is_no_file_name(bench: Bench, call_id: str) -> None:
    bench.note("INVITE sip:x SIP/2.0")
    bench.ladder.keep(call_id, NINE, [("caller", "abc")])
    bench.ladder.keep("good", NINE, [("caller", "abc")])
    bench.ladder.close()
    assert [path.name for path in bench.folder.parent.rglob("*.json")] == ["good.json"]


def test_a_disk_that_takes_nothing_costs_the_ladder_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bench = Bench(tmp_path / "file")
    for call in ("abc", "def"):
        bench.note("INVITE sip:x SIP/2.0", call)
        bench.ladder.keep(call, NINE, [("caller", call)])
    bench.ladder.close()
    assert not bench.calls and not bench.ladder._thread.is_alive()


def test_the_last_answers_are_waited_for(tmp_path: Path) -> None:
    ladder = Ladder(tmp_path, settle=0.3)
    try:
        ladder.note(NINE, False, FAR, b"INVITE sip:x SIP/2.0\r\nCall-ID: abc\r\n\r\n")
        ladder.keep("abc", NINE, [("caller", "abc")])
        ladder.note(NINE, True, FAR, b"SIP/2.0 200 OK\r\nCall-ID: abc\r\n\r\n")
        path, deadline = tmp_path / "2026-03-02" / "abc.json", time.monotonic() + 10
        while not path.exists():
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)
        assert len(json.loads(path.read_text())) == 2
    finally:
        ladder.close()


def test_noting_is_cheap(bench: Bench) -> None:
    """Beside parsing the same message, which every datagram costs anyway."""
    from sipbridge.pyvoip.message import Message

    body = "v=0\r\n" + "a=x\r\n" * 20
    text = (
        "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:c@d>\r\nCall-ID: {{}}\r\nCSeq: 1 INVITE\r\n\r\n{body}"
    )
    messages = [text.format(number % 50).encode() for number in range(2000)]

    def fastest(work: Callable[[bytes], object]) -> float:
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            for message in messages:
                work(message)
            best = min(best, time.process_time() - began)
        return best

    noting = fastest(lambda data: bench.ladder.note(NINE, False, FAR, data))
    parsing = fastest(lambda data: Message(data, FAR))
    print(f"noting takes {noting / parsing:.0%} of what parsing takes")
    assert noting < parsing
    assert re.fullmatch(r"\d+", next(iter(bench.calls)))


@pytest.mark.parametrize("size", [60, 600, 4000])
def test_it_counts_what_it_takes(bench: Bench, size: int) -> None:
    datagrams = [f"INVITE sip:x SIP/2.0\r\nCall-ID: {n}-{'c' * 20}\r\nX: {'y' * size}\r\n\r\n" for n in range(2000)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number, text in enumerate(datagrams):
            for _ in range(number % 3 + 1):
                at = NINE + timedelta(milliseconds=number)
                bench.ladder.note(at, False, (f"10.0.0.{number % 250}", 5060 + number), text.encode())
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.7 < taken / bench.ladder._size < 1.1, (taken, bench.ladder._size)


def test_while_no_message_comes_it_forgets_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladders, "LOOK", 0.02)
    bench = Bench(tmp_path)
    bench.note("INVITE sip:x SIP/2.0", "refused")
    bench.note("SIP/2.0 503 Service Unavailable", "refused", sent=True)
    bench.note("INVITE sip:x SIP/2.0", "talk")
    bench.clock.now = 16 * 60
    wait_for(lambda: bench.calls == {"talk"}, 5, "the refused call is forgotten")
    bench.clock.now = 5 * 3600
    wait_for(lambda: not bench.calls, 5, "a talk whose end was never seen is forgotten")
    assert bench.ladder._size == 0
    bench.ladder.close()


def test_a_disk_that_hangs_is_not_waited_for_by_any_number_of_ladders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladders, "MOST_WANTED", 5)
    hung = threading.Event()
    monkeypatch.setattr(ladders, "write_json", lambda path, told: hung.wait(10))
    bench = Bench(tmp_path)
    for number in range(50):
        bench.note("INVITE sip:x SIP/2.0", f"{number}")
        bench.ladder.keep(f"{number}", NINE, [("caller", f"{number}")])
    assert bench.ladder._wanted.qsize() <= 5
    assert len(bench.calls) >= 44, "in memory they stay, up to its bound"
    hung.set()
    bench.ladder.close()

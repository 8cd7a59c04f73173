from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sipbridge import outbox as outboxes
from sipbridge.events import (
    CallAnswered,
    CallEnded,
    CallOffered,
    EndReason,
    GreetingStarted,
    LegRinging,
    decode,
)
from sipbridge.outbox import Outbox

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def offered(call_id: str) -> CallOffered:
    return CallOffered(call_id, "desk", "+74951234567", "Ольга Ё", "desk", AT)


def ended(call_id: str) -> CallEnded:
    return CallEnded(call_id, EndReason.COMPLETED, 2, 6.0, 30.0, AT + timedelta(seconds=36))


def test_events_come_back_in_order_and_leave_when_delivered(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "deep" / "outbox.sqlite")
    outbox.add(offered("a"))
    outbox.add(offered("b"), ended("a"))
    kept = outbox.oldest(2)
    assert [decode(json.loads(item.envelope)) for item in kept] == [
        (kept[0].event_id, offered("a")),
        (kept[1].event_id, offered("b")),
    ]
    outbox.delivered(kept)
    assert [decode(json.loads(item.envelope))[1] for item in outbox.oldest(10)] == [ended("a")]
    assert len({item.event_id for item in kept}) == 2


def test_numbers_are_never_used_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    outbox.add(offered("a"))
    first = outbox.oldest(1)
    outbox.delivered(first)
    outbox.add(offered("b"))
    assert outbox.oldest(1)[0].seq > first[0].seq


def test_a_reopened_outbox_still_has_everything(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    outbox.add(*(offered(str(n)) for n in range(5)))
    before = outbox.oldest(10)
    outbox.close()
    assert Outbox(tmp_path / "outbox.sqlite").oldest(10) == before


def test_a_refused_event_is_put_aside_not_lost(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    outbox.add(offered("a"), offered("b"))
    outbox.put_aside(outbox.oldest(1)[0], "HTTP 422")
    assert (outbox.waiting(), outbox.refused()) == (1, 1)


def test_only_the_newest_refused_events_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "MOST_REFUSED", 5)
    outbox = Outbox(tmp_path / "outbox.sqlite")
    for number in range(20):
        outbox.add(offered(f"{number}"))
        outbox.put_aside(outbox.oldest(1)[0], "no")
    assert outbox.refused() == 5 and outbox.waiting() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        kept = [json.loads(text)["data"]["call_id"] for (text,) in db.execute("SELECT envelope FROM refused")]
    assert sorted(kept) == ["15", "16", "17", "18", "19"]
    outbox.close()


def test_after_days_without_a_desk_the_file_is_small_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    for first in range(0, 20_000, 2000):
        outbox.add(*(offered(f"{number}") for number in range(first, first + 2000)))
        outbox.add(*(ended(f"{number}") for number in range(first, first + 2000)))
    assert outbox.waiting() == 40_000
    while kept := outbox.oldest(5000):
        outbox.delivered(kept)
    outbox.add(offered("last"))
    assert outbox.waiting() == 1 and decode(json.loads(outbox.oldest(1)[0].envelope))[1] == offered("last")
    for number in range(1500):  # the log begins anew once it is long, and is cut down then
        outbox.still_open(AT + timedelta(seconds=number))
    assert (tmp_path / "outbox.sqlite-wal").stat().st_size < 5_000_000
    outbox.close()
    assert (tmp_path / "outbox.sqlite").stat().st_size < 3_000_000, "of some 15 MB"
    outbox = Outbox(tmp_path / "outbox.sqlite")
    assert outbox.waiting() == 1
    outbox.close()


def test_open_calls_fail_once_after_a_restart(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    outbox.add(offered("rang"), offered("talked"), offered("done"), ended("done"), offered("greeted"))
    outbox.add(CallAnswered("talked", "sip:anna@x", 2, 6.0, AT + timedelta(seconds=6)))
    outbox.add(GreetingStarted("greeted", 2, 10.0, AT + timedelta(seconds=10)))
    outbox.still_open(AT + timedelta(seconds=26))
    waiting = outbox.waiting()
    outbox.close()

    outbox = Outbox(tmp_path / "outbox.sqlite")
    seen = AT + timedelta(seconds=26)
    assert outbox.cut_off() == [
        (None, CallEnded("rang", EndReason.FAILED, 1, 26.0, 0.0, seen), AT),
        (None, CallEnded("talked", EndReason.FAILED, 2, 6.0, 20.0, seen), AT),
        (None, CallEnded("greeted", EndReason.FAILED, 2, 26.0, 0.0, seen), AT),
    ]
    assert outbox.waiting() == waiting, "looking changes nothing"
    outbox.add(*(end for _, end, _ in outbox.cut_off()))
    assert outbox.cut_off() == []


def test_a_call_that_was_noted_and_never_became_an_event_is_found(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    outbox.note(offered("told"))
    outbox.add(offered("told"), ended("told"))
    for call in ("rang", "Zoë \ud83d"):
        outbox.note(offered(call))
    with (tmp_path / "offered.jsonl").open("ab") as notes:
        notes.write(b'{"id": "half a li')  # the process died, the disk was full
    again = Outbox(tmp_path / "outbox.sqlite")
    lost = again.cut_off()
    assert len(lost) == 2 and lost[0][0] == offered("rang")
    assert all(end.end_reason is EndReason.FAILED and at == AT for _, end, at in lost)
    again.add(*(event for found, end, _ in lost for event in (found, end) if event))
    assert again.cut_off() == []
    outbox.close()
    again.close()


def test_notes_do_not_grow(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    for number in range(3000):
        outbox.note(offered(f"a call with a long name {number:0100}"))
        if number % 50 == 49:
            outbox.add(offered(f"a call with a long name {number:0100}"))
    assert (tmp_path / "offered.jsonl").stat().st_size < 400_000
    assert len(outbox.cut_off()) == 60, "those that were made events are open, no other is lost"
    outbox.note(offered("last"))
    assert len(outbox.cut_off()) == 61
    outbox.close()


WRITER = """
import sys, datetime
from pathlib import Path
from sipbridge.events import LegRinging
from sipbridge.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
at = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
for n in range(1000000):
    outbox.add(LegRinging(str(n), "sip:a@x", 0, at), LegRinging(str(n), "sip:b@x", 1, at))
    print(n, flush=True)
"""


def test_what_add_returned_from_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(50):
        acknowledged = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read().split("\n")[:-1]
    writer.stdout.close()
    writer.wait()
    acknowledged = int(rest[-1]) if rest else acknowledged

    events = [decode(json.loads(item.envelope))[1] for item in Outbox(path).oldest(10_000_000)]
    calls = [(event.call_id, event.step) for event in events if isinstance(event, LegRinging)]
    assert len(calls) >= 2 * (acknowledged + 1)
    assert calls == [(str(n), step) for n in range(len(calls) // 2) for step in (0, 1)], "whole and in order"

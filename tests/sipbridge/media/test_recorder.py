"""Recordings on a real disk, by the real writer thread, some of them by a process that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sipbridge.events import Event, RecordingReady
from sipbridge.media.g711 import encode
from sipbridge.media.recorder import Recorder, writer
from sipbridge.media.stream import Frame, Stream
from sipbridge.media.tones import tone, tone_pcm
from sipbridge.shelving import Shelving
from tests.sipbridge.media.conftest import Phone, until
from tests.sipbridge.media.listening import channels, loudness


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def say(take: Callable[[Frame], None], payload: bytes, at: float, payload_type: int = 0) -> None:
    """Give a recorder a sound as packets that begin to arrive at `at`."""
    for begin in range(0, len(payload), 160):
        take(Frame(payload_type, begin, at + begin / 8000, payload[begin : begin + 160], 5))


def test_caller_left_manager_right_gaps_silent_and_the_calls_length(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "2026" / "call.wav"
    recorder = Recorder(path, clock=clock)
    clock.now += 4.5
    say(recorder.caller, tone("PCMU", 440, 1.0), 1001.0)
    say(recorder.manager, tone("PCMA", 1000, 1.0), 1003.0, payload_type=8)
    assert recorder.close() == 4.5
    assert recorder.close() == 4.5
    left, right = channels(path)
    assert len(left) == len(right) == 36_000
    assert not any(left[:8000]) and not any(left[16_000:])
    assert not any(right[:24_000]) and not any(right[32_000:])
    assert loudness(left[8000:16_000], 440) > 0.95
    assert loudness(right[24_000:32_000], 1000) > 0.95
    assert path.stat().st_mode & 0o077 == 0  # voices of people: for the office's own user alone
    assert recorder.failure is None


def test_late_and_lost_packets_on_their_way_to_the_disk(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "call.wav"
    recorder = Recorder(path, clock=clock)
    packets = [Frame(0, 160 * i, 1000.0 + 0.02 * i, encode(tone_pcm(400 + i, 0.02), "PCMU"), 5) for i in range(50)]
    for i in (0, 2, 1, *range(3, 20), *range(25, 50)):
        recorder.caller(packets[i])
    clock.now += 1.0
    assert recorder.close() == 1.0
    left, _right = channels(path)
    loud = [any(abs(sample) > 500 for sample in left[160 * i : 160 * (i + 1)]) for i in range(50)]
    assert loud == [not 20 <= i < 25 for i in range(50)]


def test_the_file_can_be_played_while_the_call_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recorder = Recorder(path)

    def a_second_is_there() -> bool:
        return path.exists() and path.stat().st_size > 44 and len(channels(path)[0]) > 8000

    until(a_second_is_there)
    seconds = recorder.close()
    assert len(channels(path)[0]) == pytest.approx(seconds * 8000)


def test_a_call_recorded_from_real_streams(
    tmp_path: Path, phone: Callable[..., Phone], stream: Callable[..., Stream]
) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    recorder = Recorder(tmp_path / "call.wav")
    left.tap, right.tap = recorder.caller, recorder.manager
    speaking = stream(caller)  # two players as the far ends' voices, so that packets come at their pace
    speaking.set_remote("127.0.0.1", left.local_port)
    left.set_remote("127.0.0.1", speaking.local_port)
    answering = stream(manager)
    answering.set_remote("127.0.0.1", right.local_port)
    right.set_remote("127.0.0.1", answering.local_port)
    done: list[str] = []
    speaking.play(tone("PCMU", 500, 1.0), lambda: done.append("caller"))
    answering.play(tone("PCMU", 900, 1.0), lambda: done.append("manager"))
    until(lambda: len(done) == 2)
    recorder.close()
    said, answered = channels(tmp_path / "call.wav")
    assert loudness(said, 500) > 0.9 and loudness(said, 900) < 0.01
    assert loudness(answered, 900) > 0.9 and loudness(answered, 500) < 0.01


RECORDS_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from sipbridge.media.hub import Hub
from sipbridge.media.recorder import Recorder
from sipbridge.media.stream import Stream
from sipbridge.media.tones import tone
hub = Hub()
hub.start()
heard, spoken = (Stream(hub, "127.0.0.1", 0, "PCMU", None) for _ in range(2))
heard.set_remote("127.0.0.1", spoken.local_port)
spoken.set_remote("127.0.0.1", heard.local_port)
recorder = Recorder(Path(sys.argv[1]))
heard.tap = recorder.manager
print(time.monotonic(), flush=True)
spoken.play(tone("PCMU", 700, 1.0), loop=True)
sys.stdin.read()
"""


def test_a_recording_whose_process_was_killed_plays_up_to_the_last_second(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    command = [sys.executable, "-W", "ignore", "-c", RECORDS_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        began = float(process.stdout.readline())
        until(lambda: time.monotonic() - began > 2.5)
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        process.wait(5)
    left, right = channels(path)
    assert len(right) / 8000 > killed - began - 1.2
    assert not any(left)
    assert loudness(right[8000:], 700) > 0.9


def test_a_folder_that_can_not_be_made_ends_the_recording_not_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    recorder = Recorder(tmp_path / "file" / "call.wav")
    until(lambda: recorder.failure is not None)
    assert "NotADirectoryError" in (recorder.failure or "") or "FileExistsError" in (recorder.failure or "")
    say(recorder.caller, bytes(1600), 0.0)
    assert recorder.close() == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_ends_the_recording_not_the_others(tmp_path: Path) -> None:
    healthy = Recorder(tmp_path / "healthy.wav")
    full = tmp_path / "full.wav"  # by another name: a file that nothing was written to is removed
    full.symlink_to("/dev/full")
    recorder = Recorder(full)
    until(lambda: recorder.failure is not None)
    assert recorder.close() == 0
    assert "OSError" in (recorder.failure or "")
    assert healthy.close() > 0
    assert healthy.failure is None


def test_a_recording_that_failed_keeps_what_it_has(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "call.wav")
    until(lambda: (tmp_path / "call.wav").exists() and (tmp_path / "call.wav").stat().st_size > 44)
    recorder.give_up("the disk is full", "disk_full")
    until(lambda: recorder not in writer._open)
    kept = (tmp_path / "call.wav").read_bytes()
    other = Recorder(tmp_path / "other.wav")  # the writer goes on
    assert recorder.close() > 0
    assert other.close() > 0
    assert (tmp_path / "call.wav").read_bytes() == kept


def test_frames_are_bounded_when_the_disk_is_too_slow(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "call.wav"
    os.mkfifo(path)  # opening it for writing blocks until somebody reads: a disk that hangs
    recorder = Recorder(path, clock=clock)
    for i in range(3000):
        recorder.caller(Frame(0, 160 * i, 1000.0, bytes(160), 5))
    try:
        assert recorder.dropped == 2000
    finally:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        until(lambda: recorder.failure is not None)  # a pipe is no place for a recording: the writer is free
        os.close(reader)
    assert recorder.close() == 0


def test_what_must_not_be_kept_and_can_not_be_deleted_is_told_to_the_desk(tmp_path: Path) -> None:
    """The desk's worker deletes it when the disk lets it; nobody would know of the file otherwise."""
    events: list[Event] = []
    shelving = Shelving(tmp_path, events.append, lambda: datetime(2026, 3, 2, tzinfo=UTC))
    gone, stuck = Recorder(tmp_path / "gone.wav"), Recorder(tmp_path / "stuck.wav")
    for recorder in (gone, stuck):
        say(recorder.caller, tone("PCMU", 440, 0.2), time.monotonic())
    until(lambda: all((tmp_path / name).exists() for name in ("gone.wav", "stuck.wav")))
    (tmp_path / "stuck.wav").unlink()
    (tmp_path / "stuck.wav").mkdir()  # unlink fails, for root as well
    shelving.recording("c1", "gone.wav", gone, keep=False)
    shelving.recording("c2", "stuck.wav", stuck, keep=False)
    shelving.stop(10)
    assert [(event.call_id, event.path) for event in events if isinstance(event, RecordingReady)] == [
        ("c2", "stuck.wav")
    ]
    assert len(events) == 1 and not (tmp_path / "gone.wav").exists()

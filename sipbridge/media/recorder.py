"""Two-channel recordings of calls, written while the call goes on: caller left, manager right.

One thread writes for all recorders, twice a second: first the samples, then a header that counts them, so
that the file can be played at any moment, after `kill -9` too. A disk that fails ends the recording, with
the reason in `Recorder.failure`; the call never notices.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from sipbridge.media.rtp import SAMPLE_RATE
from sipbridge.media.stream import Frame
from sipbridge.media.timeline import Timeline

FLUSH_SECONDS = 0.5
# Frames waiting for the writer: ten seconds of both channels. A disk that hangs longer costs silence.
_MOST_WAITING = 1000
_CLOSE_SECONDS = 2.0
# A WAV file counts its bytes in 32 bits; a day of a call fits.
_LONGEST_SECONDS = 24 * 3600

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_BYTES_PER_SAMPLE = 4  # two channels of 16 bits

log = logging.getLogger(__name__)


class Recorder:
    """Records from now until `close` to `path`, whose folder is made. Give `caller` and `manager` to taps.

    `failure` says why a recording ended before its call, `dropped` counts frames the disk was too slow for.
    """

    def __init__(self, path: Path, sample_rate: int = SAMPLE_RATE, clock: Callable[[], float] = time.monotonic) -> None:
        self.failure: str | None = None
        self.dropped = 0
        self._path = path
        self._rate = sample_rate
        self._clock = clock
        self._timeline = Timeline(clock(), sample_rate)
        self._waiting: deque[tuple[int, Frame]] = deque()
        self._file: int | None = None
        self._samples_on_disk = 0
        self._ended: float | None = None
        self._finished = threading.Event()
        _writer.add(self)

    def caller(self, frame: Frame) -> None:
        """Take a frame that the caller sent. Never waits."""
        self._take(0, frame)

    def manager(self, frame: Frame) -> None:
        """Take a frame that the manager sent. Never waits."""
        self._take(1, frame)

    def _take(self, channel: int, frame: Frame) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
        elif self._ended is None and self.failure is None:
            self._waiting.append((channel, frame))

    def close(self) -> float:
        """End the recording; its length in seconds, 0 when nothing could be written.

        Waits for the file to be complete, milliseconds with a healthy disk, two seconds at most: don't call
        it on the hub's thread.
        """
        if self._ended is None:
            self._ended = self._clock()
            _writer.poke()
        self._finished.wait(_CLOSE_SECONDS)
        return self._samples_on_disk / self._rate

    def write(self) -> bool:
        """Bring the file up to date; the writer's thread calls it. Whether the recorder is done with."""
        ended = self._ended
        now = self._clock() if ended is None else ended
        try:
            self._write(now)
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            log.error("recording %s ended early: %s", self._path.name, self.failure)
        if ended is None and self.failure is None:
            return False
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None
        self._waiting.clear()
        self._finished.set()
        return True

    def _write(self, now: float) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        timeline = self._timeline
        while self._waiting:
            timeline.place(*self._waiting.popleft())
        total = timeline.samples_at(now)
        if total > _LONGEST_SECONDS * self._rate:
            raise ValueError("a recording can't be longer than a day")
        first, samples = timeline.new(now)
        _write_all(self._file, samples, _HEADER.size + first * _BYTES_PER_SAMPLE)
        # A silent end is a hole in the file, and reads as zeros.
        os.ftruncate(self._file, _HEADER.size + total * _BYTES_PER_SAMPLE)
        _write_all(self._file, _header(total, self._rate), 0)
        self._samples_on_disk = total
        timeline.forget(now)


class _Writer:
    """The thread that writes for all open recorders; it lives while there are any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: list[Recorder] = []
        self._poked = False
        self._thread: threading.Thread | None = None

    def add(self, recorder: Recorder) -> None:
        with self._changed:
            self._open.append(recorder)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
                self._thread.start()

    def poke(self) -> None:
        with self._changed:
            self._poked = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._open:
                    self._thread = None
                    return
                if not self._poked:
                    self._changed.wait(FLUSH_SECONDS)
                self._poked = False
                recorders = list(self._open)
            done = [recorder for recorder in recorders if recorder.write()]
            with self._changed:
                self._open = [recorder for recorder in self._open if recorder not in done]


_writer = _Writer()


def _header(samples: int, rate: int) -> bytes:
    size = samples * _BYTES_PER_SAMPLE
    shape = (16, 1, 2, rate, rate * _BYTES_PER_SAMPLE, _BYTES_PER_SAMPLE, 16)
    return _HEADER.pack(b"RIFF", 36 + size, b"WAVE", b"fmt ", *shape, b"data", size)


def _write_all(file: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written

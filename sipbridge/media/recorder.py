"""Two-channel recordings of calls, written while the call goes on: caller left, manager right.

One thread writes for all recorders, twice a second: first the samples, then a header that counts them, so
that the file can be played at any moment, after `kill -9` too. A disk that fails ends the recording, with
the reason in `Recorder.failure`; the call never notices. A disk that hangs ends the recording it hangs on: a
fresh thread goes on with the others (`writer.replace`).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
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

DISK_FULL, UNWRITABLE = "disk_full", "unwritable"
# EFBIG: the limit on the size of a file, which is a full disk by another name.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

log = logging.getLogger(__name__)


class Recorder:
    """Records from now until `close` to `path`, whose folder is made. Give `caller` and `manager` to taps.

    `failure` says why a recording ended before its call, `dropped` counts frames the disk was too slow for.
    `on_failure` is called once, from the writer's thread or the watchdog's, with `DISK_FULL` or `UNWRITABLE`,
    and must return at once.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int = SAMPLE_RATE,
        clock: Callable[[], float] = time.monotonic,
        on_failure: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.failure: str | None = None
        self.on_failure = on_failure
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
        writer.add(self)

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
            writer.poke(self)
        self._finished.wait(_CLOSE_SECONDS)
        return self._samples_on_disk / self._rate

    @property
    def finished(self) -> bool:
        """Whether nothing more will be written."""
        return self._finished.is_set()

    def write(self) -> bool:
        """Bring the file up to date; the writer's thread calls it. Whether the recorder is done with."""
        ended = self._ended
        now = self._clock() if ended is None else ended
        try:
            self._write(now)
        except Exception as error:
            full = isinstance(error, OSError) and error.errno in _FULL
            self.give_up(f"{type(error).__name__}: {error}", DISK_FULL if full else UNWRITABLE)
        if ended is None and self.failure is None:
            return False
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None
        if self._samples_on_disk == 0:  # without a header it is no sound file
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._waiting.clear()
        self._finished.set()
        return True

    def give_up(self, detail: str, why: str) -> None:
        """End the recording with what the disk took so far; the first reason stays. Any thread may call."""
        if self.failure is not None:
            return
        self.failure = detail
        log.error("recording %s ended early: %s", self._path.name, detail)
        self._finished.set()
        try:
            self.on_failure(why)
        except Exception:
            log.exception("nobody could be told that a recording ended")

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


class Writer:
    """The thread that writes for all open recorders; it lives while there are any.

    `beat` is the monotonic time of its last sign of life, infinity while it has nothing to do.
    """

    def __init__(self) -> None:
        self.beat = math.inf
        self._changed = threading.Condition()
        self._open: list[Recorder] = []
        self._at: Recorder | None = None  # whose file is being written
        self._ending: list[Recorder] = []  # somebody waits for their files to be complete
        self._thread: threading.Thread | None = None

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that works now."""
        return self._thread

    def add(self, recorder: Recorder) -> None:
        with self._changed:
            self._open.append(recorder)
            if self._thread is None:
                self._start()

    def poke(self, recorder: Recorder) -> None:
        """Write this one now: it has ended."""
        with self._changed:
            if recorder in self._open:  # else it failed, and its file is closed
                self._ending.append(recorder)
                self._changed.notify()

    def replace(self) -> None:
        """Leave the thread behind, hung or dead, with the recording it was at; a fresh one does the others."""
        with self._changed:
            hung, self._at = self._at, None
            for waiting in (self._open, self._ending):
                if hung in waiting:
                    waiting.remove(hung)
            self._start()
        if hung is not None:
            hung.give_up("the disk does not answer", UNWRITABLE)

    def _start(self) -> None:
        self.beat = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                if self._thread is me and self._open and not self._ending:
                    # One after the other, each in a moment of its own: a burst of them all would hold up the sound.
                    self._changed.wait(FLUSH_SECONDS / len(self._open))
                if self._thread is not me:
                    return
                if not self._open:
                    self._thread, self.beat = None, math.inf
                    self._ending.clear()
                    return
                recorder = self._ending.pop(0) if self._ending else self._open[0]
                self._at, self.beat = recorder, time.monotonic()
            done = recorder.write()
            with self._changed:
                if self._thread is not me:
                    return
                self._at, self.beat = None, time.monotonic()
                if recorder in self._open:  # to the end of the queue
                    self._open.remove(recorder)
                    if not done:
                        self._open.append(recorder)
                if done and recorder in self._ending:
                    self._ending.remove(recorder)


writer = Writer()


def _header(samples: int, rate: int) -> bytes:
    size = samples * _BYTES_PER_SAMPLE
    shape = (16, 1, 2, rate, rate * _BYTES_PER_SAMPLE, _BYTES_PER_SAMPLE, 16)
    return _HEADER.pack(b"RIFF", 36 + size, b"WAVE", b"fmt ", *shape, b"data", size)


def _write_all(file: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written

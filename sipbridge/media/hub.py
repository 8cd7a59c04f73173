"""One thread for all RTP: it reads every media socket and paces every playback.

Callbacks run on the hub's thread and must be quick: no file, no lock that others hold for long. One that
raises is logged and counted in `Hub.failures`; the thread goes on.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import math
import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

PACKET_SECONDS = 0.020

# Playbacks begin on a common grid, so that thirty of them wake the thread 200 times a second, not 1500.
_GRID_SECONDS = 0.005
_LONGEST_WAIT = 0.5
# `epoll_wait` counts in whole milliseconds, rounded up: a timer so near is as good as due.
_NEAR_SECONDS = 0.0005
# A packet takes three system calls, and after each the thread must get the interpreter back from whoever else
# computes; at Python's usual 5 ms a busy neighbour made the relay's p99 four times longer than at this.
_SWITCH_SECONDS = 0.0005

Readable = Callable[[], object]
Turn = Callable[[float], float | None]

log = logging.getLogger(__name__)


class Hub:
    """The epoll loop. All methods may be called from any thread.

    `beat` is the monotonic time of the last turn, never older than a second while the thread is well.
    `failures` counts exceptions that callbacks let through.
    """

    def __init__(self) -> None:
        self.beat = time.monotonic()
        self.failures = 0
        # Packets are read into this buffer by whoever is being called; one thread, so one is enough.
        self.buffer = bytearray(2048)
        self.view = memoryview(self.buffer)
        self._epoll = select.epoll()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._readers: dict[int, Readable] = {}
        self._errands: deque[Callable[[], object]] = deque()
        self._turns: list[tuple[float, int, Turn]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.add(self._ear, lambda: self._ear.recv_into(self.buffer))

    def start(self) -> None:
        """Start the thread. A hub is started once. Makes the whole process's threads take shorter turns."""
        if self._thread is not None:
            raise RuntimeError("the hub was already started")
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
        self._thread = threading.Thread(target=self._run, name="media-hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it; not to be called on it. Sockets stay with their owners."""
        self._stopping = True
        self._wake()
        if self._thread is not None:
            self._thread.join(timeout=5)
        while self._errands:
            self._guarded(self._errands.popleft())
        self._epoll.close()
        self._bell.close()
        self._ear.close()

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, once it was started."""
        return self._thread

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and not self._stopping

    def add(self, sock: socket.socket, readable: Readable) -> None:
        """Call `readable` whenever the non-blocking `sock` has a packet; it reads one and returns.

        Raises OSError when the hub was stopped.
        """
        if self._stopping:
            raise OSError("the media hub was stopped")
        self._readers[sock.fileno()] = readable
        self._epoll.register(sock, select.EPOLLIN)

    def remove(self, sock: socket.socket) -> None:
        """Forget `sock`; unknown is no error. Close it through `run`: the thread may be about to read it."""
        fd = sock.fileno()
        if self._readers.pop(fd, None) is not None and not self._epoll.closed:
            self._epoll.unregister(fd)

    def run(self, errand: Callable[[], object]) -> None:
        """Have `errand` called once on the hub's thread, soon; at once when there is no thread to do it."""
        if not self.running or threading.current_thread() is self._thread:
            self._guarded(errand)
            return
        self._errands.append(errand)
        self._wake()

    def pace(self, turn: Turn) -> None:
        """Call `turn(now)` on the hub's thread, first on the next grid point, then when it asks for.

        It returns the monotonic time of its next turn, or None when it has ended.
        """
        self._errands.append(lambda: self._begin(turn))
        self._wake()

    def _begin(self, turn: Turn) -> None:
        due = math.ceil(self.beat / _GRID_SECONDS) * _GRID_SECONDS
        heapq.heappush(self._turns, (due, next(self._order), turn))

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full, so the thread is waking anyway; or closed, so nobody sleeps
            self._bell.send(b"!")

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception:
                self.failures += 1
                log.exception("a turn of the media hub failed")

    def _turn(self) -> None:
        wait = _LONGEST_WAIT
        if self._errands:
            wait = 0.0
        elif self._turns:
            wait = min(wait, max(0.0, self._turns[0][0] - time.monotonic() - _NEAR_SECONDS))
        ready = self._epoll.poll(wait)
        self.beat = time.monotonic()
        readers = self._readers
        for fd, _mask in ready:
            readable = readers.get(fd)
            if readable is not None:
                try:
                    readable()
                except Exception:
                    self._failed()
        while self._errands:
            self._guarded(self._errands.popleft())
        if self._turns:
            self._pace_due()

    def _pace_due(self) -> None:
        now = self.beat = time.monotonic()
        horizon = now + _NEAR_SECONDS
        while self._turns and self._turns[0][0] <= horizon:
            _due, _order, turn = heapq.heappop(self._turns)
            try:
                again = turn(now)
            except Exception:
                self._failed()
                continue
            if again is not None:
                # Never twice in one turn of the loop, whatever was asked: others want their packets too.
                heapq.heappush(self._turns, (max(again, horizon + 1e-6), next(self._order), turn))

    def _guarded(self, errand: Callable[[], object]) -> None:
        try:
            errand()
        except Exception:
            self._failed()

    def _failed(self) -> None:
        self.failures += 1
        if self.failures & (self.failures - 1) == 0:  # 1st, 2nd, 4th, ...: fifty packets a second could fail
            log.exception("a media callback failed, the %d. time", self.failures)

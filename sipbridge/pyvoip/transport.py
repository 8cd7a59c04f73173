"""The SIP socket and its one thread (pyVoIP's SIPClient, its loops replaced): receive, keep time, send.

The thread holds `lock` while it works; so does everyone else who touches what it works on. Nothing that comes
from the network, and no defect in what handles it, ends the thread.
"""

from __future__ import annotations

import contextlib
import logging
import math
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyVoIP.VoIP  # noqa: F401  # pyVoIP.SIP can't be imported before it
from pyVoIP import SIP

from sipbridge.pyvoip.message import Address
from sipbridge.pyvoip.net import LocalAddress
from sipbridge.pyvoip.timers import Timers

if TYPE_CHECKING:
    from sipbridge.pyvoip.endpoint import Endpoint

log = logging.getLogger(__name__)

BURST = 64  # datagrams read before timers get their turn
LONGEST_WAIT = 1.0  # seconds

_LINUX_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}


class Transport(SIP.SIPClient):
    """One UDP socket, one thread, one lock. `Client` says what a datagram means."""

    on_message: Callable[[bool, Address, bytes], None] | None = None
    """Told of every datagram sent (True) and every one served (False), its far end and its bytes."""

    def __init__(self, endpoint: Endpoint, host: str, port: int, clock: Callable[[], float]) -> None:
        super().__init__(host, port, "", "", phone=endpoint, myIP=host, myPort=port)
        self.local = LocalAddress(host)
        self.lock = threading.RLock()
        self.timers = Timers(clock, self.wake)
        self.counters: Counter[str] = Counter(received=0, sent=0, refused_strangers=0, malformed=0, errors=0)
        self.beat = time.monotonic()  # of the thread's last turn, never older than a second while it is well
        # One buffer for all: a datagram cut out of 64 kB of its own would leave a hole in memory when it is forgotten.
        self._inbox = memoryview(bytearray(65_535))
        self._thread: threading.Thread | None = None

    @property
    def thread(self) -> threading.Thread | None:
        """The one that receives and keeps time, once it was started."""
        return self._thread

    def on_datagram(self, data: bytes, source: Address) -> None:
        raise NotImplementedError

    def on_unreachable(self, head: str) -> None:
        """The network says that nobody listens where the datagram beginning with `head` was sent."""
        raise NotImplementedError

    def start(self) -> None:
        """Bind and begin. Raises OSError when the address is busy."""
        family = socket.AF_INET6 if self.local.ipv6 else socket.AF_INET
        self.s = self.out = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
            with contextlib.suppress(OSError):  # Linux only: learn at once that nobody listens there
                self.s.setsockopt(*_LINUX_RECVERR[family], 1)
            self.s.bind((self.myIP, self.myPort))
        except OSError:
            self.s.close()
            raise
        self.s.setblocking(False)
        self.myPort = self.s.getsockname()[1]
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self.NSD = True
        self._thread = threading.Thread(target=self.recv_loop, name="sip", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the socket. Idempotent."""
        if not self.NSD:
            return
        self.NSD = False
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(2)
        for each in (self.s, self._woken, self._waker):
            each.close()

    def wake(self) -> None:
        """Make the thread look at its timers again."""
        if self.NSD and threading.current_thread() is not self._thread:
            with contextlib.suppress(OSError):
                self._waker.send(b"\0")

    def recv_loop(self) -> None:
        poll = select.poll()
        poll.register(self.s, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while self.NSD:
            self.beat = time.monotonic()
            for descriptor, events in poll.poll(self._run_timers()):
                if descriptor == self._woken.fileno():
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(4096)
                    continue
                if events & select.POLLERR:
                    self._read_complaints()
                self._drain()

    def _run_timers(self) -> int:
        """Do what is due; the milliseconds until the next timer, or sign of life."""
        with self.lock:
            while (action := self.timers.pop_due()) is not None:
                self.guarded(action)
            seconds = self.timers.seconds_to_next()
        return math.ceil(min(LONGEST_WAIT if seconds is None else seconds, LONGEST_WAIT) * 1000)

    def _drain(self) -> None:
        for _ in range(BURST):
            try:
                size, source = self.s.recvfrom_into(self._inbox)
            except BlockingIOError:
                return
            except OSError:  # a complaint about an earlier datagram
                continue
            self.receive(bytes(self._inbox[:size]), source[:2])

    def _read_complaints(self) -> None:
        """The network's "nobody listens there" for requests of ours: they fail at once (RFC 3261 18.4)."""
        for _ in range(BURST):
            try:
                data = self.s.recvmsg(2048, 512, socket.MSG_ERRQUEUE)[0]
            except (OSError, AttributeError):
                return
            with self.lock:
                self.on_unreachable(data[:600].decode("latin-1"))

    def note(self, sent: bool, address: Address, data: bytes) -> None:
        """Tell of a datagram; a defect of the listener costs the record, not the call."""
        if self.on_message is not None:
            try:
                self.on_message(sent, address, data)
            except Exception:
                self.counters["errors"] += 1
                log.exception("on_message failed")

    def send(self, data: bytes, destination: Address) -> None:
        self.counters["sent"] += 1
        self.note(True, destination, data)
        for _ in range(3):  # a complaint about an earlier datagram is reported in place of sending this one
            try:
                self.s.sendto(data, destination)
                return
            except ConnectionRefusedError:
                continue
            except (OSError, OverflowError, UnicodeError):
                break
        self.counters["unsent"] += 1

    def guarded(self, action: Callable[[], None]) -> None:
        """Run something the network caused; a defect of ours must not end the thread."""
        try:
            action()
        except Exception:
            self.counters["errors"] += 1
            log.exception("SIP handler failed")

    def receive(self, data: bytes, source: Address) -> None:
        """One datagram. Whatever it does, the thread lives on."""
        with self.lock:
            self.guarded(lambda: self.on_datagram(data, source))

    def via(self, destination: Address) -> Address:
        """Our address as `destination` must write it."""
        return self.local.facing(destination[0]), self.myPort

"""RTP ports: even ones, longest unused first, so that late packets of one call don't reach the next."""

from __future__ import annotations

from collections import deque


class NoPort(Exception):
    """Every RTP port is in use."""


class Ports:
    """The pool. Not thread-safe; its users hold the client's lock."""

    def __init__(self, ports: range) -> None:
        self._free = deque(port for port in ports if port % 2 == 0)

    def __len__(self) -> int:
        return len(self._free)

    def take(self) -> int:
        """Raises NoPort."""
        if not self._free:
            raise NoPort
        return self._free.popleft()

    def give_back(self, port: int) -> None:
        self._free.append(port)

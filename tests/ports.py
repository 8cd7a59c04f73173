"""Ports for tests: none that the system, another worker of the run or an earlier test may hold or take.

Whoever asks the system for any port gets one from 32768 on; one that was found free up there may be gone before a
program takes it. So ours lie below, each worker of a run has blocks of its own, and each comes again only after all
others. Several runs at once begin at different places.
"""

from __future__ import annotations

import os
import random
import socket
from collections import deque

FIRST, LAST = 10_000, 30_000
BLOCK = 400


def _blocks() -> deque[range]:
    """The blocks of this worker, in an order of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = [range(at, at + BLOCK) for at in range(FIRST, LAST, BLOCK)][worker::workers]
    random.shuffle(mine)
    return deque(mine)


_all = _blocks()
_singles = deque(port for _ in range(len(_all) // 3) for port in _all.popleft()[::4])  # SIPp takes neighbours as well
_rest = range(0)  # of the block that ranges are cut from


def free_port() -> int:
    """A port that nobody listens at, by UDP or TCP."""
    for _ in range(len(_singles)):
        port = _singles.popleft()
        _singles.append(port)
        if _is_free(port):
            return port
    raise AssertionError("every port of the tests is taken")


def free_range(count: int) -> range:
    """`count` ports in a row, at most BLOCK, from an even one on, that no other test was given of late."""
    global _rest
    if len(_rest) < count:
        _rest = _all.popleft()
        _all.append(_rest)
    found, _rest = _rest[:count], _rest[count + count % 2 :]
    return found


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True

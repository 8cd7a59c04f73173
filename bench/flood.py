"""A stranger who sends a thousand packets a second, beside real calls: INVITE to 180 with and without him.

Run as `python -m bench.flood [--short]`. Aim: p99 at most doubled. The stranger, a process of his own, sends from an
address that is no peer: half of it INVITEs, half nonsense.
"""

from __future__ import annotations

import argparse
import contextlib
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.caller import percentiles
from bench.ring import measure
from tests.e2e.installation import Installation

STRANGER = "127.0.0.2"
A_SECOND = 1000


@contextlib.contextmanager
def stranger(port: int) -> Iterator[subprocess.Popen[str]]:
    """He shouts as long as the block lasts, or until `hush`."""
    command = [sys.executable, "-m", "bench.flood", "--shout", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            assert process.stdout.readline() == "shouting\n"
            yield process
        finally:
            process.stdin.close()
            process.wait(10)


def hush(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Let him stop; how many packets he sent, and how many answers he got."""
    assert process.stdin and process.stdout
    process.stdin.close()
    sent, heard = process.stdout.readline().split()
    return int(sent), int(heard)


def shout(port: int) -> None:
    """Send until the standard input ends."""
    sent = heard = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.bind((STRANGER, 0))
        mouth.setblocking(False)
        began = time.monotonic()
        print("shouting", flush=True)
        while not _over():
            while sent < A_SECOND * (time.monotonic() - began):
                words = f"INVITE sip:desk@127.0.0.1 SIP/2.0\r\nCall-ID: {sent}\r\n\r\n".encode()
                mouth.sendto(words if sent % 2 else b"\xff" * 200, ("127.0.0.1", port))
                sent += 1
            with contextlib.suppress(BlockingIOError):
                mouth.recv(2000)
                heard += 1
    print(sent, heard, flush=True)


def _over() -> bool:
    """Whether the standard input ended; looks for five milliseconds."""
    return bool(select.select([0], [], [], 0.005)[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--shout", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.shout:
        shout(options.shout)
        return
    calls = 200 if options.short else 1000
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder), SECONDRING_PEERS="127.0.0.1/32")
        try:
            installation.start("bridge")
            target = ("127.0.0.1", installation.sip_port)
            alone = percentiles(measure(target, calls))
            with stranger(installation.sip_port) as process:
                beside = percentiles(measure(target, calls))
                sent, heard = hush(process)
        finally:
            installation.close()
    print(f"{calls} calls, one at a time{'':12}p50 ms   p99 ms")
    print(f"  alone                           {alone[0]:8.2f} {alone[1]:8.2f}")
    print(f"  beside a stranger               {beside[0]:8.2f} {beside[1]:8.2f}   ({sent} packets, {heard} answered)")
    print(
        f"  beside : alone                  {beside[0] / alone[0]:8.2f} {beside[1] / alone[1]:8.2f}   (aim: at most 2)"
    )


if __name__ == "__main__":
    main()

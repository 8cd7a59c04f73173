"""Thirty relayed calls: what they cost and how late their audio is. Run as `python -m bench.relay [--short]`.

Beside the product's relay runs a floor: an epoll loop in Python that forwards datagrams and looks at nothing,
neither sender nor header. Either is a process of its own; this one is the sixty telephones. Each packet carries
the time it was sent; the time it came back is the kernel's (SO_TIMESTAMPNS), so that this process's own
slowness is not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import select
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sipbridge.media.hub import Hub
from sipbridge.media.recorder import Recorder
from sipbridge.media.rtp import HEADER
from sipbridge.media.stream import Stream

CALLS = 30
HOST = "127.0.0.1"
AIM_CPU, AIM_P99_MS, AIM_DRIFT_MS = 0.10, 2.0, 0.1

_SO_TIMESTAMPNS = 35  # Linux; the socket module has no name for it
_SENT = struct.Struct("!Q")
_TIMESPEC = struct.Struct("@qq")


@dataclass(frozen=True, slots=True)
class Figures:
    cpu: float  # share of one core
    p50_ms: float
    p99_ms: float
    worst_ms: float
    drift_ms: float  # median of the last sixth less that of the first
    lost: int
    packets: int
    threads: int
    memory_mb: float  # what the calls added to the process


def main() -> None:
    parser = argparse.ArgumentParser(description="thirty relayed G.711 calls beside a bare forwarder")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the relay's run (60)")
    parser.add_argument("--short", action="store_true", help="ten seconds")
    parser.add_argument("--serve", choices=list(SERVERS), help=argparse.SUPPRESS)
    parser.add_argument("--calls", type=int, default=CALLS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        keep_to_core(0)
        SERVERS[options.serve](options.calls)
        return
    keep_to_core(-1)
    seconds = 10.0 if options.short else options.seconds
    beside = max(10.0, seconds / 3)
    rows = {
        "floor: forwards blindly": measure("floor", beside),
        "relay": measure("relay", seconds),
        "relay, all recorded": measure("recorded", beside),
    }
    report(rows, seconds)


def keep_to_core(which: int) -> None:
    """Let this process run on one core only, so that figures are of a core, and telephones take none of it."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {range(os.cpu_count() or 1)[which]})


def report(rows: dict[str, Figures], seconds: float) -> None:
    floor, relay = rows["floor: forwards blindly"], rows["relay"]
    print(f"{CALLS} calls, {2 * CALLS * 50} packets a second, {seconds:.0f} s")
    print(f"{'':26}{'% of a core':>12}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>10}{'drift ms':>10}{'lost':>6}")
    for name, figures in rows.items():
        print(
            f"{name:26}{100 * figures.cpu:12.1f}{figures.p50_ms:9.3f}{figures.p99_ms:9.3f}"
            f"{figures.worst_ms:10.2f}{figures.drift_ms:10.3f}{figures.lost:6}"
        )
    ratios = (relay.cpu / floor.cpu, relay.p50_ms / floor.p50_ms, relay.p99_ms / floor.p99_ms)
    print(f"{'relay : floor':26}{ratios[0]:12.2f}{ratios[1]:9.2f}{ratios[2]:9.2f}")
    for aim, met in (
        (f"under {100 * AIM_CPU:.0f} % of a core", relay.cpu < AIM_CPU),
        (f"p99 under {AIM_P99_MS:.0f} ms", relay.p99_ms < AIM_P99_MS),
        (f"no drift (under {AIM_DRIFT_MS} ms)", abs(relay.drift_ms) < AIM_DRIFT_MS),
    ):
        print(f"aim: {aim:28}{'met' if met else 'MISSED'}")
    if floor.p99_ms > AIM_P99_MS:
        print(f"The floor itself missed {AIM_P99_MS:.0f} ms: this machine was busy with other things.")


def measure(server: str, seconds: float, calls: int = CALLS) -> Figures:
    """Run a server process on one core and telephones around it, on another where there is one, for so long."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.relay", "--serve", server, "--calls", str(calls)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        ports: list[int] = json.loads(process.stdout.readline())
        phones = [_phone() for _ in ports]
        try:
            print(json.dumps([phone.getsockname()[1] for phone in phones]), file=process.stdin, flush=True)
            assert process.stdout.readline() == "ready\n"
            delays, lost = talk(phones, ports, seconds)
            print("stop", file=process.stdin, flush=True)
            used, lasted, threads, memory = json.loads(process.stdout.readline())
        finally:
            for phone in phones:
                phone.close()
            process.stdin.close()
            process.wait(10)
    sixth = len(delays) // 6
    ordered = sorted(delays)
    return Figures(
        cpu=used / lasted,
        p50_ms=statistics.median(ordered),
        p99_ms=ordered[int(0.99 * len(ordered))],
        worst_ms=ordered[-1],
        drift_ms=statistics.median(delays[-sixth:]) - statistics.median(delays[:sixth]),
        lost=lost,
        packets=len(delays),
        threads=threads,
        memory_mb=memory,
    )


def _phone() -> socket.socket:
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.setblocking(False)
    phone.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    phone.bind((HOST, 0))
    return phone


def talk(phones: list[socket.socket], ports: list[int], seconds: float) -> tuple[list[float], int]:
    """Every phone sends 50 packets a second, at a phase of its own: the delays in ms, and how many were lost."""
    epoll = select.epoll()
    by_fd = {phone.fileno(): phone for phone in phones}
    for fd in by_fd:
        epoll.register(fd, select.EPOLLIN)
    delays: list[float] = []

    def drain() -> None:
        for fd, _mask in epoll.poll(0):
            data, ancillary, _flags, _source = by_fd[fd].recvmsg(2048, 64)
            whole, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            (sent_at,) = _SENT.unpack_from(data, 12)
            delays.append((whole * 1_000_000_000 + nanoseconds - sent_at) / 1e6)

    chance = random.Random(30)
    phases = sorted((chance.random() * 0.020, i) for i in range(len(phones)))
    filling = bytes(160 - _SENT.size)
    began, sent = time.monotonic() + 0.1, 0
    for tick in range(round(seconds * 50)):
        for phase, i in phases:
            wait = began + tick * 0.020 + phase - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            header = HEADER.pack(0x80, 0, tick & 0xFFFF, (160 * tick) & 0xFFFFFFFF, i)
            packet = header + _SENT.pack(time.time_ns()) + filling
            phones[i].sendto(packet, (HOST, ports[i]))
            sent += 1
            drain()
    finish = time.monotonic() + 1
    while len(delays) < sent and time.monotonic() < finish:
        drain()
    epoll.close()
    return delays, sent - len(delays)


def _serve_until_told(before: float) -> None:
    """Tell the CPU time used from now until a line comes in, the threads, and the megabytes beyond `before`."""
    began, used = time.monotonic(), _cpu()
    print("ready", flush=True)
    sys.stdin.readline()
    print(
        json.dumps([_cpu() - used, time.monotonic() - began, threading.active_count(), _memory() - before]), flush=True
    )


def _memory() -> float:
    """Megabytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def serve_relay(calls: int, recordings: Path | None = None) -> None:
    before = _memory()
    hub = Hub()
    hub.start()
    streams = [Stream(hub, HOST, 0, "PCMU", 101) for _ in range(2 * calls)]
    print(json.dumps([stream.local_port for stream in streams]), flush=True)
    for stream, port in zip(streams, json.loads(sys.stdin.readline()), strict=True):
        stream.set_remote(HOST, port)
    recorders: list[Recorder] = []
    for call, (left, right) in enumerate(zip(streams[0::2], streams[1::2], strict=True)):
        left.join(right)
        if recordings is not None:
            recorders.append(Recorder(recordings / f"{call}.wav"))
            left.tap, right.tap = recorders[-1].caller, recorders[-1].manager
    _serve_until_told(before)
    for recorder in recorders:
        recorder.close()
    hub.stop()


def serve_recorded(calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        serve_relay(calls, Path(folder))


def serve_floor(calls: int) -> None:
    before = _memory()
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2 * calls)]
    for each in sockets:
        each.setblocking(False)
        each.bind((HOST, 0))
    print(json.dumps([each.getsockname()[1] for each in sockets]), flush=True)
    peers = [(HOST, port) for port in json.loads(sys.stdin.readline())]
    epoll = select.epoll()
    ways = {}
    for i, each in enumerate(sockets):
        epoll.register(each, select.EPOLLIN)
        ways[each.fileno()] = (each.recvfrom_into, sockets[i ^ 1].sendto, peers[i ^ 1])
    epoll.register(sys.stdin, select.EPOLLIN)
    buffer = bytearray(2048)
    view = memoryview(buffer)
    began, used = time.monotonic(), _cpu()
    print("ready", flush=True)
    while True:
        for fd, _mask in epoll.poll():
            if fd not in ways:
                print(json.dumps([_cpu() - used, time.monotonic() - began, 1, _memory() - before]), flush=True)
                return
            receive, send, peer = ways[fd]
            size, _source = receive(buffer)
            send(view[:size], peer)


SERVERS = {"relay": serve_relay, "recorded": serve_recorded, "floor": serve_floor}

if __name__ == "__main__":
    main()

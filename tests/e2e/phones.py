"""Real telephones: SIPp as callers and as a telephone that refuses, baresip as a manager's softphone."""

from __future__ import annotations

import audioop
import contextlib
import itertools
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import hearing
from tests.e2e.installation import wait_for
from tests.ports import free_port, free_range

SCENARIOS = Path(__file__).parent / "sipp"
PACKET = 160
"""Samples of a packet of 20 ms."""


class Ears:
    """A caller's mouth and ears: says a tone in RTP and keeps what it hears. SIPp does the talking of SIP."""

    def __init__(self, hz: float) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._payload = audioop.lin2ulaw(hearing.samples_of(hz, 1).tobytes(), 2)
        self._heard = bytearray()
        self._peer: tuple[str, int] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        begun = time.monotonic()
        for number in itertools.count():
            if self._over.wait(max(0.0, begun + number * 0.02 - time.monotonic())):
                return
            with contextlib.suppress(BlockingIOError, ConnectionError):
                while True:
                    packet, self._peer = self._socket.recvfrom(2000)
                    if packet[1] & 0x7F == 0:
                        self._heard += packet[12:]
            if self._peer:
                header = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * PACKET & 0xFFFFFFFF, 0x5EC0)
                at = number * PACKET % len(self._payload)
                with contextlib.suppress(ConnectionError):
                    self._socket.sendto(header + self._payload[at : at + PACKET], self._peer)

    @property
    def heard(self) -> array[int]:
        """Everything heard so far, in the order it came; silence that was not sent is not there."""
        return array("h", audioop.ulaw2lin(bytes(self._heard), 2))

    def close(self) -> None:
        """Fall silent."""
        self._over.set()
        self._thread.join(5)
        self._socket.close()


class Caller:
    """One SIPp on the line, for `longest` seconds. `scenario` is a file of `sipp/`; `number` '' hides it."""

    def __init__(
        self,
        folder: Path,
        office: str,
        number: str,
        name: str = "",
        scenario: str = "talk",
        hz: float = 440,
        longest: int = 60,
    ) -> None:
        self.ears = Ears(hz)
        self._call_id = f"{random.getrandbits(64):x}"
        self._port = free_port()
        self.errors = folder / f"sipp-{self._port}.log"
        caller = f"{number}@127.0.0.1:{self._port}" if number else "anonymous@anonymous.invalid"
        command = [
            *("sipp", office, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(self._port)),
            *("-cid_str", self._call_id, "-m", "1", "-nostdin", "-timeout", str(longest), "-timeout_error"),
            *("-trace_err", "-error_file", str(self.errors)),
            *("-key", "line", "desk", "-key", "caller", caller, "-key", "ears", str(self.ears.port)),
            *("-key", "caller_name", name or ("" if number else "Anonymous")),
        ]
        self._process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _tell(self) -> None:
        """An INFO in the call's own name moves the scenario on."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hint:
            hint.bind(("127.0.0.1", 0))
            via = f"127.0.0.1:{hint.getsockname()[1]}"
            text = (
                f"INFO sip:caller@127.0.0.1:{self._port} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bKtell\r\n"
                f"From: <sip:test@{via}>;tag=t\r\nTo: <sip:caller@127.0.0.1>;tag=caller\r\nCall-ID: {self._call_id}\r\n"
                "CSeq: 9 INFO\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            hint.sendto(text.encode(), ("127.0.0.1", self._port))

    def hang_up(self) -> None:
        """End the call, and see that it went by the scenario."""
        self._tell()
        self.ended()

    give_up = hang_up

    def ended(self, seconds: float = 15) -> None:
        """Wait until the call is over; fails when it went another way than the scenario says."""
        code = self._process.wait(seconds)
        said = self.errors.read_text(errors="replace") if self.errors.exists() else ""
        assert code == 0, f"the caller's SIPp ended with {code}: {said[-1500:]}"

    @property
    def on_the_line(self) -> bool:
        """True until the call is over."""
        return self._process.poll() is None

    def close(self) -> None:
        """Vanish without a word, when the test left the call on the line."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(5)
        self.ears.close()


class Refusing:
    """A manager's telephone that refuses every call: `status` as '486 Busy Here'."""

    def __init__(self, folder: Path, port: int, status: str) -> None:
        scenario = folder / f"refuses-{port}.xml"
        scenario.write_text((SCENARIOS / "refuses.xml").read_text().replace("STATUS", status))
        self._process = subprocess.Popen(
            ["sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-nostdin"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(lambda: _is_taken(port), told="SIPp as a telephone")

    def close(self) -> None:
        """Unplug it."""
        self._process.kill()
        self._process.wait(5)


class Softphone:
    """A manager's baresip. `auto` picks up by itself; else it rings until `answer` or `hang_up` is called.

    `account` is another account than the one that only listens on `port` by UDP (and on the next by TLS);
    `options` are more lines of baresip's configuration.
    """

    def __init__(
        self,
        folder: Path,
        login: str,
        port: int,
        *,
        auto: bool,
        hz: float = 1000,
        account: str = "",
        options: Sequence[str] = (),
    ) -> None:
        self.uri = f"sip:{login}@127.0.0.1:{port}"
        self.folder = folder / f"baresip-{login}-{port}"
        self.folder.mkdir()
        self._control_port = free_port()
        tone = hearing.write_tone(self.folder / "tone.wav", hz, 60)
        rtp = free_range(20)
        modules = ("g711", "aufile", "aubridge", "sndfile")
        (self.folder / "config").write_text(
            "\n".join(
                [
                    *("poll_method epoll", f"sip_listen 127.0.0.1:{port}", "call_local_timeout 120"),
                    *("call_max_calls 4", f"audio_source aufile,{tone}", "audio_player aubridge,sink"),
                    *("audio_alert aubridge,alert", "ausrc_srate 8000", "auplay_srate 8000", "ausrc_channels 1"),
                    *("auplay_channels 1", f"rtp_ports {rtp[0]}-{rtp[-1]}", "rtcp_mux no", "jitter_buffer_delay 1-2"),
                    "module_path /usr/lib/baresip/modules",
                    *(f"module {name}.so" for name in modules),
                    *("module_tmp uuid.so", "module_tmp account.so", "module_app menu.so", "module_app ctrl_tcp.so"),
                    # Its own folder, in one letter: baresip cuts longer names of sound files at 128 characters.
                    *(f"ctrl_tcp_listen 127.0.0.1:{self._control_port}", "snd_path ."),
                    *("ring_aufile none", "ringback_aufile none", *options, ""),
                ]
            )
        )
        mode = "auto" if auto else "manual"
        account = account or f"<{self.uri};transport=udp>;regint=0"
        (self.folder / "accounts").write_text(f"{account};answermode={mode};audio_codecs=pcmu,pcma\n")
        (self.folder / "contacts").touch()
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["baresip", "-s", "-f", str(self.folder)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._control = wait_for(self._connect, told=f"baresip of {login}")
        wait_for(lambda: _is_taken(port), told=f"baresip's port of {login}")
        self._events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _connect(self) -> socket.socket:
        assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return socket.create_connection(("127.0.0.1", self._control_port), 3)

    def _read(self) -> None:
        """Netstrings of JSON: answers and events."""
        kept = b""
        self._control.settimeout(None)
        with contextlib.suppress(OSError):
            while got := self._control.recv(65536):
                kept += got
                while b":" in kept:
                    length, _, rest = kept.partition(b":")
                    if len(rest) <= int(length):
                        break
                    message = json.loads(rest[: int(length)])
                    kept = rest[int(length) + 1 :]
                    if message.get("event"):
                        self._events.append(message)

    def _say(self, command: str, params: str = "") -> None:
        message = json.dumps({"command": command, "params": params, "token": "test"}).encode()
        self._control.sendall(b"%d:%s," % (len(message), message))

    def saw(self, kind: str) -> int:
        """How many events of a kind so far: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED."""
        return sum(event.get("type") == kind for event in list(self._events))

    def rings(self) -> bool:
        """True while a call rings here."""
        return self.saw("CALL_INCOMING") > self.saw("CALL_ESTABLISHED") + self.saw("CALL_CLOSED")

    def answer(self) -> None:
        """Pick up what rings."""
        wait_for(self.rings, told="the softphone does not ring")
        self._say("accept")
        wait_for(lambda: self.saw("CALL_ESTABLISHED"))

    def dial(self, uri: str) -> None:
        """Call somebody; `saw` tells what becomes of it."""
        self._say("dial", uri)

    def hold(self) -> None:
        """Put the caller on hold by its own button (re-INVITE)."""
        self._say("hold")

    def resume(self) -> None:
        """Take the caller back."""
        self._say("resume")

    def transfer(self, uri: str) -> None:
        """Ask to pass the caller on (REFER)."""
        self._say("transfer", uri)

    def dialogs(self) -> list[tuple[str, str, str]]:
        """Of each call it picked up, in order: Call-ID, the caller's tag, its own."""
        found: dict[str, tuple[str, str, str]] = {}
        for message in re.split(r"SIP/2\.0 200 \w+", (self.folder / "log").read_text(errors="replace"))[1:]:
            head = message.partition("\n\n")[0]
            if re.search(r"^CSeq: \d+ INVITE", head, re.M):
                [call_id] = re.findall(r"^Call-ID: (\S+)", head, re.M)
                [theirs] = re.findall(r"^From: .*;tag=([^;\s]+)", head, re.M)
                [own] = re.findall(r"^To: .*;tag=([^;\s]+)", head, re.M)
                found.setdefault(call_id, (call_id, theirs, own))  # not what a hold says later
        return list(found.values())

    def hang_up(self) -> None:
        """End the talk, or decline what rings."""
        closed = self.saw("CALL_CLOSED")
        self._say("hangup")
        wait_for(lambda: self.saw("CALL_CLOSED") > closed)

    @property
    def heard(self) -> array[int]:
        """What its ears were given, of all calls that are over."""
        dumps = sorted(self.folder.glob("dump-*-dec.wav"))
        return array("h", itertools.chain.from_iterable(hearing.channels(path)[0] for path in dumps))

    def close(self) -> None:
        """Unplug it."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._control.close()


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def missing(programs: Sequence[str] = ("sipp", "baresip", "chromium")) -> list[str]:
    """Those of the real programs that are not here; on a build machine nothing may be missing."""
    absent = [program for program in programs if shutil.which(program) is None]
    assert not (absent and os.environ.get("CI")), f"missing on a build machine: {', '.join(absent)}"
    return absent


def needs(*programs: str) -> pytest.MarkDecorator:
    """The mark of tests that are left out, and say so, where one of these real programs is not installed."""
    absent = missing(programs)
    return pytest.mark.skipif(bool(absent), reason=f"LEFT OUT: {', '.join(absent)} not installed")

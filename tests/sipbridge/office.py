"""Real processes for tests: the bridge, desk phones, SIPp as the caller. Every one is ended by its own test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port, free_range
from tests.sipbridge.standin import wait_for

ROOT = Path(__file__).parents[2]

needs_sipp = pytest.mark.skipif(
    shutil.which("sipp") is None and "CI" not in os.environ, reason="LEFT OUT: sipp (Debian's sip-tester) is missing"
)


class Process:
    """A child whose output is collected line by line."""

    def __init__(self, *command: str, environ: dict[str, str] | None = None) -> None:
        self._child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | (environ or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.output.append(line)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def text(self) -> str:
        return "".join(self.output)

    def says(self, pattern: str, seconds: float = 10.0) -> re.Match[str]:
        found = wait_for(
            lambda: re.search(pattern, self.text) or self._child.poll() is not None, seconds, f"{pattern!r}"
        )
        assert not isinstance(found, bool), f"ended before it said {pattern!r}: {self.text}"
        match: re.Match[str] = found
        return match

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def ended(self, seconds: float = 5.0) -> int:
        """The exit code."""
        code = self._child.wait(seconds)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """`kill -9`, and wait."""
        self._child.kill()
        self._child.wait(5)

    def end(self) -> None:
        """Ask it to end; kill it when it does not."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait(5)
        self._reader.join(5)
        assert self._child.stdout is not None
        self._child.stdout.close()


class Office:
    """A data folder, a bridge in it, phones around it."""

    def __init__(self, data: Path, web_port: int) -> None:
        self.data = data
        self.web_port = web_port
        self.sip_port = free_port()
        rtp = free_range(400)
        self._rtp = f"{rtp[0]}-{rtp[-1]}"
        self.processes: list[Process] = []

    @property
    def address(self) -> str:
        return f"sip:desk@127.0.0.1:{self.sip_port}"

    def run(self, *command: str, environ: dict[str, str] | None = None) -> Process:
        process = Process(*command, environ=environ)
        self.processes.append(process)
        return process

    def python(self, *words: str, environ: dict[str, str] | None = None) -> Process:
        return self.run(sys.executable, "-m", *words, environ=environ)

    def environ(self, **settings: Any) -> dict[str, str]:
        """What the bridge's environment says."""
        return {
            "SECONDRING_DATA": str(self.data),
            "SECONDRING_WEB": f"127.0.0.1:{self.web_port}",
            "SECONDRING_SIP": f"127.0.0.1:{self.sip_port}",
            "SECONDRING_RTP": self._rtp,
        } | {f"SECONDRING_{name}": str(value) for name, value in settings.items()}

    def bridge(self, *, ready: bool = True, module: str = "sipbridge", **settings: Any) -> Process:
        process = self.python(module, environ=self.environ(**settings))
        if ready:
            process.says("event=ready")
        return process

    def phone(self, behaviour: str = "answer", pick_up_after: float = 0.3, talk: float = 1.0) -> str:
        """A desk phone's address."""
        words = f"--listen 127.0.0.1:0 --behaviour {behaviour} --pick-up-after {pick_up_after} --talk {talk}"
        process = self.python("sipbridge.deskphone", *words.split())
        port = process.says(r"listens at \S+:(\d+)")[1]
        return f"sip:phone@127.0.0.1:{port}"

    def sipp(self, scenario: str, *, calls: int = 1, rate: int = 10, pause: float = 0.0) -> Process:
        """Callers by SIPp; exit code 0 when all went by the scenario. `pause` is in seconds."""
        path = self.data / f"{free_port()}.xml"
        path.write_text(scenario)
        own = free_port()
        command = (
            f"sipp 127.0.0.1:{self.sip_port} -sf {path} -i 127.0.0.1 -p {own} -mp {free_port()}"
            f" -m {calls} -l {calls} -r {rate} -d {round(pause * 1000)} -s desk -nostdin -timeout 25 -timeout_error"
        )
        return self.run(*command.split())

    def close(self) -> None:
        for process in self.processes:
            process.end()


INVITE = """
<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bKfirst[pid]x[call_number]
From: "Caller [call_number]" <sip:+7495000[call_number]@[local_ip]:[local_port]>;tag=c[pid]x[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="180"/>
"""
TAKEN = """
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
[last_From]
[last_To]
[routes]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
"""
HANGS_UP = """
<pause/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
[last_From]
[last_To]
[routes]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
"""
IS_HUNG_UP_ON = """
<recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""
CANCELS = """
<pause/>
<send retrans="500"><![CDATA[
CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bKfirst[pid]x[call_number]
From: "Caller [call_number]" <sip:+7495000[call_number]@[local_ip]:[local_port]>;tag=c[pid]x[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
<recv response="487"/>
<send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bKfirst[pid]x[call_number]
From: "Caller [call_number]" <sip:+7495000[call_number]@[local_ip]:[local_port]>;tag=c[pid]x[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
"""
REFUSED = '<recv response="{code}"/>' + TAKEN.split("/>", 1)[1].replace("[routes]\n", "")


def scenario(*parts: str) -> str:
    """A SIPp scenario file of these parts."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="caller">{"".join(parts)}</scenario>\n'

"""The door of an office as `deploy/` describes it: Kamailio and rtpengine between TLS outside and bridges inside.

The shipped files are used as they are; only addresses and ports are put in, where the administrator does it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.installation import ROOT, wait_for
from tests.ports import free_port, free_range

DEPLOY = ROOT / "deploy"
OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"
PROGRAMS = ("kamailio", "rtpengine", "openssl")


def make_certificate(folder: Path) -> None:
    """An authority of our own (`trusted.pem`) and the office's certificate by it, for OUTSIDE."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    (folder / "names").write_text(f"subjectAltName=IP:{OUTSIDE}\n")
    for words in (
        ("req", "-x509", *curve, "-days", "2", "-subj", "/CN=Authority", "-keyout", "ca.key", "-out", "trusted.pem"),
        ("req", *curve, "-subj", "/CN=Office", "-keyout", "key.pem", "-out", "request"),
        (
            *("x509", "-req", "-in", "request", "-CA", "trusted.pem", "-CAkey", "ca.key", "-days", "2"),
            *("-extfile", "names", "-out", "certificate.pem"),
        ),
    ):
        subprocess.run(("openssl", *words), cwd=folder, check=True, capture_output=True, timeout=20)


class Door:
    """Kamailio and rtpengine in front of `bridges` (host:port), with the trunks at `trunks` (addresses)."""

    def __init__(self, folder: Path, bridges: Sequence[str], trunks: Sequence[str] = ()) -> None:
        self.folder = folder / "door"
        shutil.copytree(DEPLOY / "kamailio", self.folder)
        self.port, self.inside_port = free_port(), free_port()
        self.address = f"{OUTSIDE}:{self.port}"
        self.inside = f"{INSIDE}:{self.inside_port}"
        make_certificate(self.folder)
        ng = free_port()
        self._put("local.cfg", ("203.0.113.10", OUTSIDE), ("!5061!", f"!{self.port}!"))
        self._put("local.cfg", ("!5070!", f"!{self.inside_port}!"), (":2223!", f":{ng}!"))
        known = [f"1 sip:{bridge} 8" for bridge in bridges]
        known += [f"2 sip:{trunk};transport=tls 0 10" for trunk in trunks]
        (self.folder / "dispatcher.list").write_text("\n".join(known) + "\n")
        shutil.copy(DEPLOY / "rtpengine" / "rtpengine.conf", self.folder)
        self.media_ports = free_range(200)
        low = self.media_ports[0]
        self._put("rtpengine.conf", ("203.0.113.10", OUTSIDE), (":2223", f":{ng}"))
        self._put("rtpengine.conf", ("= 30000", f"= {low}"), ("= 34999", f"= {low + 199}"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def _put(self, name: str, *values: tuple[str, str]) -> None:
        path = self.folder / name
        text = path.read_text()
        for shipped, ours in values:
            assert shipped in text, f"{name} does not say {shipped}"
            text = text.replace(shipped, ours)
        path.write_text(text)

    def start(self) -> None:
        """Start both and wait until they can be reached."""
        self.start_rtpengine()
        self._run("kamailio", "-f", "kamailio.cfg", "-DD", "-E", "-Y", ".", "-P", "kamailio.pid", "-w", ".")
        wait_for(self._is_open, told=self.log)

    def start_rtpengine(self) -> None:
        """Start the one, at first or after it was killed."""
        self._run("rtpengine", "--config-file=rtpengine.conf", "--foreground", "--log-stderr")

    def kill_rtpengine(self) -> None:
        """kill -9."""
        self._processes["rtpengine"].kill()
        self._processes["rtpengine"].wait(5)

    def _run(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.log").open("ab") as log:
            self._processes[command[0]] = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def _is_open(self) -> bool:
        assert all(process.poll() is None for process in self._processes.values()), self.log
        socket.create_connection((OUTSIDE, self.port), 1).close()
        return True

    @property
    def log(self) -> str:
        """What both have written so far."""
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in self.folder.glob("*.log"))

    def close(self) -> None:
        """Take it away."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

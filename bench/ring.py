"""INVITE on the wire to 180 Ringing: the bridge beside SIPp answering as a bare UAS, same caller, same run.

Run as `python -m bench.ring [--short]`. Aim: at most twice SIPp's time.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.caller import Caller, percentiles
from tests.e2e.installation import Installation, wait_for
from tests.ports import free_port

UAS = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="rings until cancelled">
  <recv request="INVITE"/>
  <send><![CDATA[
    SIP/2.0 180 Ringing
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:[local_ip]:[local_port]>
    Content-Length: 0

  ]]></send>
  <recv request="CANCEL"/>
  <send><![CDATA[
    SIP/2.0 487 Request Terminated
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    CSeq: 1 INVITE
    Content-Length: 0

  ]]></send>
  <recv request="ACK"/>
</scenario>
"""


def measure(target: tuple[str, int], calls: int) -> list[float]:
    """Seconds from INVITE to 180, one call at a time."""
    taken = []
    with Caller(target) as caller:
        for index in range(calls):
            number = f"+7495000{index:04}"
            call_id, started = caller.invite(number)
            taken.append(caller.wait_for(180, call_id) - started)
            caller.cancel(call_id, number)
    return taken[len(taken) // 10 :]  # the first tenth warms both up


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    calls = 200 if parser.parse_args().short else 1000
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        (Path(folder) / "uas.xml").write_text(UAS)
        try:
            installation.start("bridge")
            ours = percentiles(measure(("127.0.0.1", installation.sip_port), calls))
        finally:
            installation.close()
        if not shutil.which("sipp"):
            print("SIPp is not installed: nothing to compare with (apt-get install sip-tester)")
            return
        port = free_port()
        command = ["sipp", "-sf", f"{folder}/uas.xml", "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-m", str(calls)]
        sipp = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            wait_for(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text())
            theirs = percentiles(measure(("127.0.0.1", port), calls))
        finally:
            sipp.terminate()
            sipp.wait(5)
    print(f"{calls} calls, one at a time{'':12}p50 ms   p99 ms")
    print(f"  SIPp, answering as a bare UAS   {theirs[0]:8.2f} {theirs[1]:8.2f}")
    print(f"  the bridge                      {ours[0]:8.2f} {ours[1]:8.2f}")
    print(f"  bridge : SIPp                   {ours[0] / theirs[0]:8.2f} {ours[1] / theirs[1]:8.2f}   (aim: at most 2)")


if __name__ == "__main__":
    main()

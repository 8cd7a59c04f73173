"""The torture messages of RFC 4475 and RFC 5118: nothing dies, nothing well-formed stays silent."""

from __future__ import annotations

import json
import random
import select
import socket
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from .conftest import Office, Phone
from .registering import directory

TORTURE = Path(__file__).parents[4] / "shared" / "torture"
# An address of its own, so that its ports 5060, 5070 ... are free, also beside another run.
SENDER = "127.{}.{}.9".format(*random.sample(range(2, 250), 2))
REPLY_PORTS = (5060, 5050, 5070, 6050, 19823)

needs_torture = pytest.mark.skipif(
    not (TORTURE / "manifest.json").exists(),
    reason=f"LEFT OUT: the torture messages are not at {TORTURE}; malformed SIP was tested with our own only",
)


def fits(word: str, codes: list[int]) -> bool:
    """Whether the first answer is what one word of the manifest allows."""
    if not codes:
        return word == "none"
    code = codes[0]
    if word.startswith("any!"):
        return code not in {400, 505, 500, 513}
    if word.endswith("xx"):
        return code // 100 == int(word[0])
    return word.isdigit() and code == int(word)


def judge(entry: dict[str, Any], codes: list[int], role: str) -> str:
    """What the answers are worth for one that is, towards this message, a telephone (uas) or a registrar."""
    expected = entry["expect"][role] if isinstance(entry["expect"], dict) else entry["expect"]
    if any(fits(word, codes) for word in ([expected] if isinstance(expected, str) else expected)):
        return "right"
    return "permitted" if any(fits(word, codes) for word in entry["may"]) else "wrong"


def play(office: Office, register_as: str) -> dict[str, tuple[str, str, list[int]]]:
    """Send every message of the manifest as a peer would; name -> (suite, verdict, answers)."""
    sockets = []
    for port in REPLY_PORTS:
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[-1].bind((SENDER, port))
    results = {}
    for entry in json.loads((TORTURE / "manifest.json").read_text())["messages"]:
        data = (TORTURE / entry["file"]).read_bytes()
        sockets[0].sendto(data, ("127.0.0.1", office.endpoint.port))
        codes = answers(sockets, data, 0.3)
        verdict = judge(entry, codes, register_as if entry["method"] == "REGISTER" else "uas")
        results[entry["name"]] = (entry["suite"], verdict, codes)
    for each in sockets:
        each.close()
    return results


def answers(sockets: list[socket.socket], sent: bytes, seconds: float) -> list[int]:
    """The final or ringing answers to one message, told by their Call-ID."""
    codes: list[int] = []
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0 and not codes:
        for ready in select.select(sockets, [], [], left)[0]:
            data = ready.recv(65535)
            head = data.partition(b"\r\n\r\n")[0]
            call_ids = [line[8:].strip() for line in head.split(b"\r\n") if line[:8].lower() == b"call-id:"]
            code = int(data[8:11])
            if code > 100 and (not call_ids or call_ids[0] in sent):
                codes.append(code)
    return codes


@needs_torture
@pytest.mark.parametrize("role", ["uas", "registrar"])
def test_the_torture_messages(
    make_office: Callable[..., Office],
    make_phone: Callable[..., Phone],
    record_property: Callable[..., None],
    role: str,
) -> None:
    office = make_office(peers=(ip_network("127.0.0.0/8"),))
    if role == "registrar":
        office.endpoint.set_directory(directory())
    office.when_called = lambda leg: leg.ring()
    results = play(office, role)
    told = {name: result for name, result in results.items() if result[1] != "right"}
    record_property("torture", str(told))
    print("not exactly right:", told)
    for suite, all_, right, fine in (("rfc4475", 49, 40, 45), ("rfc5118", 12, 12, 12)):
        verdicts = [verdict for where, verdict, _ in results.values() if where == suite]
        assert len(verdicts) == all_
        assert verdicts.count("right") >= right, told
        assert all_ - verdicts.count("wrong") >= fine, told
    phone = make_phone(office)
    phone.send("OPTIONS")
    phone.expect(200)

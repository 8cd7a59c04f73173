"""Writing SIP messages: responses to what came, requests of our own."""

from __future__ import annotations

import re

from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.uri import host_port

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, REFER"
SUPPORTED = "timer, norefersub"
PRODUCT = "SecondRing"

Fields = tuple[tuple[str, str], ...]

_RPORT = re.compile(r";\s*rport\s*(?:=[^;]*)?(?=;|$)", re.I)
_TAG = re.compile(r";\s*tag\s*=", re.I)
_RECEIVED = re.compile(r";\s*received\s*=[^;]*(?=;|$)", re.I)


def response(request: Message, code: int, phrase: str, to_tag: str, fields: Fields = (), body: bytes = b"") -> bytes:
    """A response to `request`, also to a malformed one: what is missing there is missing here."""
    lines = [f"SIP/2.0 {code} {phrase}"]
    if request.vias:
        lines.append("Via: " + _marked_via(request))
        lines += [f"Via: {via.raw}" for via in request.vias[1:]]
    else:
        lines += [f"Via: {value}" for value in request.fields.get("via", ())]
    if request.method == "INVITE" and 100 < code < 300:
        lines += [f"Record-Route: {value}" for value in request.fields.get("record-route", ())]
    if sender := request.header("from"):
        lines.append(f"From: {sender}")
    if target := request.header("to"):
        has_tag = bool(_TAG.search(target)) if request.fault else bool(request.to.tag)
        lines.append(f"To: {target}" if has_tag or code == 100 else f"To: {target};tag={to_tag}")
    for name, shown in (("call-id", "Call-ID"), ("cseq", "CSeq")):
        if value := request.header(name):
            lines.append(f"{shown}: {value}")
    if code == 100 and (stamp := request.header("timestamp")):
        lines.append(f"Timestamp: {stamp}")
    lines += [f"{name}: {value}" for name, value in fields]
    return _finish(lines, f"Server: {PRODUCT}", body)


def request(
    method: str,
    uri: str,
    *,
    via: tuple[str, int],
    branch: str,
    from_: str,
    to: str,
    call_id: str,
    cseq: int,
    routes: tuple[str, ...] = (),
    fields: Fields = (),
    body: bytes = b"",
) -> bytes:
    """A request of ours. `via` is the address answers should come to; `from_` and `to` are whole values."""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {host_port(*via)};branch={branch};rport",
        *(f"Route: {route}" for route in routes),
        "Max-Forwards: 70",
        f"From: {from_}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *(f"{name}: {value}" for name, value in fields),
    ]
    return _finish(lines, f"User-Agent: {PRODUCT}", body)


def return_address(request: Message) -> tuple[str, int]:
    """Where a response goes: to the sender's address, at the port rport or Via names (RFC 3261 18.2.2, RFC 3581)."""
    if not request.vias or "rport" in request.vias[0].params:
        return request.source
    return request.source[0], request.vias[0].port or 5060


def _marked_via(request: Message) -> str:
    """The top Via with what the sender can't know about himself: his address and port as seen from here."""
    via, (ip, port) = request.vias[0], request.source
    marked = _RECEIVED.sub("", via.raw)
    if "rport" in via.params:
        return _RPORT.sub("", marked) + f";rport={port};received={ip}"
    return marked if via.host == ip else f"{marked};received={ip}"


def _finish(lines: list[str], product: str, body: bytes) -> bytes:
    lines.append(product)
    if body and not any(line.startswith("Content-Type: ") for line in lines):
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + body
